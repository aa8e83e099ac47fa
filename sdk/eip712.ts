import { type Signer, type TypedDataDomain, TypedDataEncoder, type TypedDataField, verifyTypedData } from "ethers";
import { OpenLedgerError } from "./errors.ts";
import { int8Bytes, keccak } from "./hash.ts";

/** A customer's promise to pay a server: all it may have of one model and epoch so far. */
export type Voucher = {
  customer: string;
  server: string;
  modelId: bigint;
  epochId: bigint;
  token: string;
  /** In token units, counted within (customer, server, model, epoch, token). */
  cumulative: bigint;
  /** Last second at which it can be redeemed. */
  deadline: bigint;
};

/** A server's statement of one paid call. */
export type Receipt = {
  customer: string;
  server: string;
  modelId: bigint;
  epochId: bigint;
  nonce: bigint;
  /** `requestCommitment` of the prompt. */
  request: string;
  /** `responseCommitment` of the completion. */
  response: string;
  inputTokens: bigint;
  outputTokens: bigint;
  /** In token units. */
  fee: bigint;
};

/** A server's later statement of which sketch belongs to a receipt. */
export type SketchRecord = {
  receiptId: string;
  /** `sketchCommitment` of q_t. */
  sketch: string;
};

/** Rows as a contributor submits them; see `Submission` of IDatanetRegistry. */
export type Submission = { cid: string; rows: number; rowRoot: string };

/** What a contributor signs so that anyone can submit it for him. */
export type Contribute = {
  account: string;
  datanetId: bigint;
  submissions: Submission[];
  /** `nonces(account)` of the registry. */
  nonce: bigint;
  /** Last second at which it can be submitted. */
  deadline: bigint;
};

/** A reviewer's word on one contribution; `code` is a reason of docs/contracts/DatanetRegistry.md. */
export type Decision = { contributionId: bigint; accept: boolean; code: number };

/** What a reviewer signs so that anyone can submit it for him. */
export type Review = { decisions: Decision[]; deadline: bigint };

/** What whoever is paid for `account` signs to have `payout` paid instead. */
export type ChangePayout = {
  account: string;
  payout: string;
  /** `nonces(account)` of the attribution registry. */
  nonce: bigint;
  /** Last second at which it can be submitted. */
  deadline: bigint;
};

type Types<T> = Record<string, (TypedDataField & { name: keyof T & string })[]>;

export const VOUCHER_TYPES: Types<Voucher> = {
  Voucher: [
    { name: "customer", type: "address" },
    { name: "server", type: "address" },
    { name: "modelId", type: "uint256" },
    { name: "epochId", type: "uint256" },
    { name: "token", type: "address" },
    { name: "cumulative", type: "uint256" },
    { name: "deadline", type: "uint256" },
  ],
};

export const RECEIPT_TYPES: Types<Receipt> = {
  Receipt: [
    { name: "customer", type: "address" },
    { name: "server", type: "address" },
    { name: "modelId", type: "uint256" },
    { name: "epochId", type: "uint256" },
    { name: "nonce", type: "uint256" },
    { name: "request", type: "bytes32" },
    { name: "response", type: "bytes32" },
    { name: "inputTokens", type: "uint256" },
    { name: "outputTokens", type: "uint256" },
    { name: "fee", type: "uint256" },
  ],
};

export const SKETCH_RECORD_TYPES: Types<SketchRecord> = {
  SketchRecord: [
    { name: "receiptId", type: "bytes32" },
    { name: "sketch", type: "bytes32" },
  ],
};

export const CONTRIBUTE_TYPES: Record<string, TypedDataField[]> = {
  Contribute: [
    { name: "account", type: "address" },
    { name: "datanetId", type: "uint256" },
    { name: "submissions", type: "Submission[]" },
    { name: "nonce", type: "uint256" },
    { name: "deadline", type: "uint256" },
  ],
  Submission: [
    { name: "cid", type: "string" },
    { name: "rows", type: "uint32" },
    { name: "rowRoot", type: "bytes32" },
  ],
};

export const REVIEW_TYPES: Record<string, TypedDataField[]> = {
  Review: [
    { name: "decisions", type: "Decision[]" },
    { name: "deadline", type: "uint256" },
  ],
  Decision: [
    { name: "contributionId", type: "uint256" },
    { name: "accept", type: "bool" },
    { name: "code", type: "uint8" },
  ],
};

export const CHANGE_PAYOUT_TYPES: Types<ChangePayout> = {
  ChangePayout: [
    { name: "account", type: "address" },
    { name: "payout", type: "address" },
    { name: "nonce", type: "uint256" },
    { name: "deadline", type: "uint256" },
  ],
};

/** Domain of changes of payouts. */
export const attributionDomain = (chainId: bigint, registry: string): TypedDataDomain => ({
  name: "OpenLedger AttributionRegistry",
  version: "1",
  chainId,
  verifyingContract: registry,
});

/** Domain of contributions and reviews. */
export const datanetDomain = (chainId: bigint, registry: string): TypedDataDomain => ({
  name: "OpenLedger DatanetRegistry",
  version: "1",
  chainId,
  verifyingContract: registry,
});

/** Domain of vouchers. */
export const escrowDomain = (chainId: bigint, escrow: string): TypedDataDomain => ({
  name: "OpenLedger InferenceEscrow",
  version: "1",
  chainId,
  verifyingContract: escrow,
});

/** Domain of receipts and sketch records. */
export const splitterDomain = (chainId: bigint, splitter: string): TypedDataDomain => ({
  name: "OpenLedger RewardSplitter",
  version: "1",
  chainId,
  verifyingContract: splitter,
});

/** What the customer signs. */
export const voucherDigest = (domain: TypedDataDomain, voucher: Voucher): string =>
  TypedDataEncoder.hash(domain, VOUCHER_TYPES, voucher);

/** Id of a receipt: its EIP-712 digest. */
export const receiptId = (domain: TypedDataDomain, receipt: Receipt): string =>
  TypedDataEncoder.hash(domain, RECEIPT_TYPES, receipt);

/** Id of a sketch record: its EIP-712 digest. */
export const recordId = (domain: TypedDataDomain, record: SketchRecord): string =>
  TypedDataEncoder.hash(domain, SKETCH_RECORD_TYPES, record);

export const signVoucher = (signer: Signer, domain: TypedDataDomain, voucher: Voucher): Promise<string> =>
  signer.signTypedData(domain, VOUCHER_TYPES, voucher);

export const signContribute = (signer: Signer, domain: TypedDataDomain, contribute: Contribute): Promise<string> =>
  signer.signTypedData(domain, CONTRIBUTE_TYPES, contribute);

export const signReview = (signer: Signer, domain: TypedDataDomain, review: Review): Promise<string> =>
  signer.signTypedData(domain, REVIEW_TYPES, review);

export const signChangePayout = (signer: Signer, domain: TypedDataDomain, change: ChangePayout): Promise<string> =>
  signer.signTypedData(domain, CHANGE_PAYOUT_TYPES, change);

export const signReceipt = (signer: Signer, domain: TypedDataDomain, receipt: Receipt): Promise<string> =>
  signer.signTypedData(domain, RECEIPT_TYPES, receipt);

export const signSketchRecord = (signer: Signer, domain: TypedDataDomain, record: SketchRecord): Promise<string> =>
  signer.signTypedData(domain, SKETCH_RECORD_TYPES, record);

/** What a customer signs, as his contract wallet is asked about it. */
export const voucherHash = (domain: TypedDataDomain, voucher: Voucher): string =>
  TypedDataEncoder.hash(domain, VOUCHER_TYPES, voucher);

/**
 * Checks that `voucher.customer` signed by his key. Of contract wallets, `verifyVoucherOnChain` asks the chain.
 * @throws OpenLedgerError `SIGNATURE_INVALID` or `SIGNATURE_WRONG_SIGNER`.
 */
export const verifyVoucher = (domain: TypedDataDomain, voucher: Voucher, signature: string): void =>
  verify(domain, VOUCHER_TYPES, voucher, signature, voucher.customer);

/**
 * Checks that `receipt.server` signed.
 * @throws OpenLedgerError `SIGNATURE_INVALID` or `SIGNATURE_WRONG_SIGNER`.
 */
export const verifyReceipt = (domain: TypedDataDomain, receipt: Receipt, signature: string): void =>
  verify(domain, RECEIPT_TYPES, receipt, signature, receipt.server);

/**
 * Checks that `server`, which must be the receipt's, signed the record.
 * @throws OpenLedgerError `SIGNATURE_INVALID` or `SIGNATURE_WRONG_SIGNER`.
 */
export const verifySketchRecord = (
  domain: TypedDataDomain,
  record: SketchRecord,
  signature: string,
  server: string,
): void => verify(domain, SKETCH_RECORD_TYPES, record, signature, server);

/** The salts of a receipt's three commitments, from its 32 secret bytes: opening one opens no other. */
export const commitmentSalts = (secret: string): { request: string; response: string; sketch: string } => {
  const salt = (i: number) => keccak(["bytes32", "uint256"], [secret, i]);
  return { request: salt(0), response: salt(1), sketch: salt(2) };
};

/** Commitment to a prompt's token ids, under the receipt's salt for it. */
export const requestCommitment = (salt: string, promptIds: number[]): string =>
  keccak(["bytes32", "uint256[]"], [salt, promptIds]);

/** Commitment to a completion's token ids, under the receipt's salt for it. */
export const responseCommitment = (salt: string, completionIds: number[]): string =>
  keccak(["bytes32", "uint256[]"], [salt, completionIds]);

/** Commitment to a query sketch, under the receipt's salt for it. */
export const sketchCommitment = (salt: string, sketch: Int8Array): string =>
  keccak(["bytes32", "bytes"], [salt, int8Bytes(sketch)]);

function verify(
  domain: TypedDataDomain,
  types: Record<string, TypedDataField[]>,
  value: object,
  signature: string,
  expected: string,
): void {
  const what = Object.keys(types)[0]!;
  let signer: string;
  try {
    signer = verifyTypedData(domain, types, value, signature);
  } catch (cause) {
    throw new OpenLedgerError(
      "SIGNATURE_INVALID",
      `The ${what}'s signature is malformed. Send the 65 bytes of eth_signTypedData_v4.`,
      { cause },
    );
  }
  if (signer.toLowerCase() !== expected.toLowerCase())
    throw new OpenLedgerError(
      "SIGNATURE_WRONG_SIGNER",
      `The ${what} is signed by ${signer}, not by ${expected}. Check its fields, the chain id and the contract.`,
    );
}
