import { OpenLedgerError } from "../sdk/errors.ts";
import { revertReason } from "../sdk/revert.ts";

/** What to do about the errors that a task's transactions and calls can meet. */
const ADVICE: Record<string, string> = {
  DatanetUnknown: "datanet: there is no Datanet of this id. Create one with `datanet:create`.",
  DatanetContributionUnknown: "contributions: there is none of this id. `datanet:show` lists them.",
  DatanetNotReviewer: "account: only the Datanet's reviewers may do this. `datanet:show` names them.",
  DatanetNotOwner: "account: only the Datanet's owner may do this. `datanet:show` names him.",
  DatanetNotAllowed: "account: this Datanet takes contributions from accounts on its list only. Ask its owner.",
  DatanetAlreadyReviewed: "contributions: this one was reviewed before. `datanet:show` lists what is pending.",
  DatanetNothingToFreeze: "datanet: what is accepted is its last version, or nothing is. Review contributions first.",
  DatanetInvalidField: "The field named is empty or out of range. Give another value.",
  DatanetTrainingForbidden: "The licence of this Datanet does not allow training. Leave it out.",
  DatanetLicencesClash: "These Datanets are share-alike under different licences. Leave one out.",
  PauseGroupPaused: "The guardians paused this. `pause:show` tells what is paused.",
  ModelUnknown: "model: there is no model of this id.",
  ModelSplitSum: "split: the five parts must add up to 10,000.",
  ModelDataShareTooLarge: "split: the data's part is larger than the protocol allows.",
  ModelInvalidField: "The field named is empty or out of range. Give another value.",
  RegistryNotModelOwner: "account: only the model's owner may register it. `model:show` names him.",
  VerifierKeyExists: "chunkRows: this key is registered already.",
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
  SplitterUnknownKey: "The verifying key is not registered. The admin must register it first.",
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
