import { OpenLedgerError } from "../sdk/errors.ts";
import { revertReason } from "../sdk/revert.ts";

/** What to do about the errors that a task's transactions and calls can meet. */
const ADVICE: Record<string, string> = {
  DatanetUnknown: "datanet: there is no Datanet of this id. Create one with `datanet:create`.",
  DatanetContributionUnknown: "contributions: there is none of this id. `datanet:show` lists them.",
  DatanetNotReviewer: "account: only the Datanet's reviewers may do this. `datanet:show` names them.",
  DatanetNotOwner: "account: only the Datanet's owner may do this. `datanet:show` names him.",
  DatanetNotAllowed: "account: this Datanet takes contributions from accounts on its list only. Ask its owner.",
  DatanetNotContributor: "account: only the contributor and the Datanet's reviewers may withdraw this.",
  DatanetNotWithdrawable: "contributions: only accepted ones can be withdrawn, and pending ones that nobody reviews.",
  DatanetUnderReview: "contributions: reviewers have until then (seconds since 1970) for one with a bond.",
  DatanetSignatureExpired: "file: the reviewer signed until then (seconds since 1970). Ask for a new signature.",
  DatanetInvalidSignature: "file: the signature is not the reviewer's for these decisions on this chain.",
  DatanetAlreadyReviewed: "contributions: this one was reviewed before. `datanet:show` lists what is pending.",
  DatanetNothingToFreeze: "datanet: what is accepted is its last version, or nothing is. Review contributions first.",
  DatanetInvalidField: "The field named is empty or out of range. Give another value.",
  DatanetTrainingForbidden: "The licence of this Datanet does not allow training. Leave it out.",
  DatanetLicencesClash: "These Datanets are share-alike under different licences. Leave one out.",
  PauseGroupPaused: "The guardians paused this. `pause:show` tells what is paused.",
  ModelUnknown: "model: there is no model of this id.",
  ModelNotOwner: "account: only the model's owner may do this. `model:show` names him.",
  ModelNotCreator: "account: only who minted the model may do this, while he holds its token.",
  ModelRoyaltyTooSmall: "parents: the parent asks for more; the last number is the least. `model:terms` shows it.",
  ModelRoyaltyTooLarge: "The royalties are more than the protocol allows; the last number is the most.",
  ModelParentRepeated: "parents: a model is named twice.",
  ModelSplitSum: "split: the five parts must add up to 10,000.",
  ModelDataShareTooLarge: "split: the data's part is larger than the protocol allows.",
  ModelInvalidField: "The field named is empty or out of range. Give another value.",
  RegistryNotModelOwner: "account: only the model's owner may register it. `model:show` names him.",
  VerifierKeyExists: "key, chunkRows: this key is registered already.",
  VerifierDevelopmentKey: "Development keys are refused on this chain: anyone could forge proofs under them.",
  ERC721NonexistentToken: "model: there is no model of this id.",
  SplitterNoCommitment: "model: it has no registered commitment. Register its sketches first.",
  SplitterUnknownEpoch: "epoch: the model has none of this number. `model:show` names the current one.",
  SplitterEpochRunning: "The current epoch runs until then (seconds since 1970). Wait.",
  SplitterNotProposed: "epoch: nobody proposed V for it yet. `epoch:show` tells until when the operator can.",
  SplitterWindowOpen: "epoch: its challenge window runs until then (seconds since 1970). Wait.",
  SplitterDisputed: "epoch: its proposal is disputed. Wait until the disputes are resolved.",
  SplitterAlreadySettled: "epoch: it is settled.",
  SplitterNeedsProof:
    "sketches: this epoch has scores, so it needs a proof. Name the folder of the model's sketches, or wait until the time given (seconds since 1970).",
  OperatorsFreeTooSmall: "account: its free bond in this token is too small. Bond the difference with `operator:bond`.",
  SplitterNothingToWithdraw: "for, token: this account has no balance of this token. Contributors use `claim`.",
  SplitterNotClaimer: "for: only the account itself and its claimers may say where its money goes. Leave --to out.",
  EscrowWithdrawalTooLarge: "amount: the deposit is smaller; it is the last number, in token units.",
  EscrowNothingThawing: "amount: nothing is on its way out. Start with --amount.",
  EscrowStillThawing: "It thaws until then (seconds since 1970). Wait.",
  OperatorsWithdrawalTooLarge: "amount: only what is not locked can leave; it is the last number, in token units.",
  OperatorsNothingThawing: "Nothing is on its way out. Start with `operator:unbond`.",
  OperatorsStillThawing: "It thaws until then (seconds since 1970). Wait.",
  OperatorsNoCredit: "Nothing was slashed to this account in this token.",
  DisputesAnswerable: "dispute: the demand can be answered until then (seconds since 1970). Wait.",
  DisputesPending: "dispute: its case runs until then (seconds since 1970). Wait; `committee:show` tells more.",
  CommitteeUnknownCase: "case: the committee has none of this number. `epoch:disputes` lists disputes.",
  CommitteeCommitPeriodOver: "case: votes were committed until then (seconds since 1970).",
  CommitteeNotRevealing: "case: votes are revealed between these times (seconds since 1970).",
  CommitteeFull: "case: it has as many votes as it takes.",
  CommitteeNothingToReveal: "case: this account committed no vote on it. Commit with `committee:vote` in time.",
  CommitteeCommitmentMismatch: "votes: the file kept there is not of the vote that was committed.",
  CommitteeCaseRunning: "case: it runs until then (seconds since 1970). Wait.",
  RegistryInvalidSignature: "signature: it is not that of the account named, which is paid now, for this change.",
  RegistrySignatureExpired: "deadline: it has passed. Sign again.",
  ERC20InsufficientBalance: "account: it has fewer tokens than that: who, what it has, what is needed.",
  SplitterUnknownKey: "The verifying key is not registered. The admin must register it first.",
  AccessManagerUnauthorizedAccount: "account: this account has not got the role. `roles:show` tells who has.",
  AccessManagerUnauthorizedCall: "account: this account may not do this. `roles:show` tells who may.",
  AccessManagerUnauthorizedCancel: "account: only who scheduled it, and the admin, may cancel it.",
  AccessManagerNotScheduled: "account: what this account does waits for a delay. Schedule it with `roles:schedule`.",
  AccessManagerNotReady: "Its delay is not over. `roles:show` tells when it is.",
  AccessManagerExpired: "It was not executed within a week of its delay. Schedule it again.",
  AccessManagedUnauthorized: "account: this account may not do this. `roles:show` tells who may.",
};

/** An error of ours, of the contracts or of ethers in plain words; undefined where the error speaks for itself. */
export function inWords(error: unknown): string | undefined {
  if (error instanceof OpenLedgerError) return error.message;
  if (!(error instanceof Error && "shortMessage" in error)) return undefined;
  const reason = revertReason(error);
  const advice = ADVICE[reason.split("(")[0]!];
  return advice === undefined ? reason : `${advice} [${reason}]`;
}
