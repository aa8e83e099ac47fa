import { Signature, ZeroAddress, ZeroHash } from "ethers";
import type { IReceiptJudgeTypes as Types } from "../types/ethers-contracts/contracts/disputes/EpochDisputes.ts";
import { type EpochReceipt, type Proposal, proposalWith, type ReceiptLeaf, receiptLeaf, sumReceipts } from "./epoch.ts";
import { OpenLedgerError } from "./errors.ts";
import { int8Bytes, words } from "./hash.ts";
import { merkleProof, merkleRoot } from "./merkle.ts";
import type { AttributedReceipt } from "./receipts.ts";

/** A leaf as an operator shows it to auditors: with its sketch, and the salt that opens its record. */
export type OpenLeaf = Omit<ReceiptLeaf, "hash"> & { salt: string };

/** In the place of a leaf that the contract does not look at. */
const NO_LEAF: Types.ProvenLeafStruct = {
  leaf: {
    server: ZeroAddress,
    customer: ZeroAddress,
    receiptId: ZeroHash,
    fee: 0n,
    weight: 0n,
    recordId: ZeroHash,
    sums: ZeroHash,
    feeSum: 0n,
    payerFees: 0n,
  },
  siblings: [],
};

/** A proposal's receipts, in the form in which disputes take leaves, steps and answers. */
export class ReceiptsTree {
  readonly leaves: OpenLeaf[];
  readonly root: string;
  readonly #hashes: string[];

  constructor(leaves: OpenLeaf[]) {
    this.leaves = leaves;
    this.#hashes = leaves.map((leaf, index) => receiptLeaf(index, leaf.receipt, leaf));
    this.root = merkleRoot(this.#hashes);
  }

  /** The tree that an honest operator proposes for these receipts, opened by what the servers handed over. */
  static of(receipts: EpochReceipt[], records: Map<string, AttributedReceipt>, k: number): ReceiptsTree {
    return new ReceiptsTree(
      sumReceipts(receipts, k).leaves.map(({ hash: _, ...leaf }) => ({
        ...leaf,
        salt: records.get(leaf.receipt.receiptId)?.sketchSalt ?? ZeroHash,
      })),
    );
  }

  /** What is proposed with these leaves, of a commitment with `k` columns. */
  proposal(k: number): Proposal {
    return proposalWith(
      this.leaves.map((leaf, index) => ({ ...leaf, hash: this.#hashes[index]! })),
      k,
    );
  }

  /** Leaf `index` with its siblings. */
  proven(index: number): Types.ProvenLeafStruct {
    const one = this.leaves[index];
    if (one === undefined) return NO_LEAF;
    const { server, customer, receiptId, fee, weight, recordId } = one.receipt;
    const sums = words(one.v.map((entry) => BigInt.asUintN(256, entry)));
    const { feeSum, payerFees } = one;
    return {
      leaf: { server, customer, receiptId, fee, weight, recordId, sums, feeSum, payerFees },
      siblings: merkleProof(this.#hashes, index),
    };
  }

  /** Leaf `index` and the one before it, with all that they open. */
  step(index: number): Types.StepStruct {
    const { receipt, v } = this.leaves[index]!;
    const [before, leaf] = [this.proven(index - 1), this.proven(index)];
    const opening = receipt.recordId === ZeroHash ? { salt: ZeroHash, q: "0x" } : this.opening(index);
    return { index, before, leaf, vBefore: this.leaves[index - 1]?.v ?? [], v, opening };
  }

  /** What opens the record of leaf `index`. */
  opening(index: number): Types.OpeningStruct {
    const { receipt, salt } = this.leaves[index]!;
    return { salt, q: int8Bytes(receipt.sketch) };
  }

  /**
   * What answers a demand of leaf `index`.
   * @param record What the server handed over for its receipt.
   */
  answer(index: number, { receipt, receiptSignature, recordSignature }: AttributedReceipt): Types.AnswerStruct {
    // Servers may sign in the short form of EIP-2098, which the contract does not take.
    const whole = (signature: string) => Signature.from(signature).serialized;
    const recorded = this.leaves[index]!.receipt.recordId !== ZeroHash;
    return {
      step: this.step(index),
      receipt,
      receiptSignature: whole(receiptSignature),
      recordSignature: recorded ? whole(recordSignature) : "0x",
    };
  }

  /** Index of the leaf in whose fee a point of all fees falls. */
  at(point: bigint): number {
    return this.leaves.findIndex(({ receipt, feeSum }) => feeSum > point && feeSum - receipt.fee <= point);
  }
}

/** A leaf as JSON has it: integers as decimal strings, the sketch as an array of numbers. */
type WrittenLeaf = {
  receipt: Record<"server" | "customer" | "receiptId" | "recordId" | "fee" | "weight", string> & { sketch: number[] };
  v: string[];
  feeSum: string;
  payerFees: string;
  salt: string;
};

export const encodeTree = ({ leaves }: ReceiptsTree): string =>
  JSON.stringify(
    leaves.map(({ receipt, ...leaf }) => ({ ...leaf, receipt: { ...receipt, sketch: [...receipt.sketch] } })),
    (_, value: unknown) => (typeof value === "bigint" ? String(value) : value),
  );

/**
 * Reads a tree from JSON. What its leaves say is still to be checked.
 * @throws OpenLedgerError `TREE_INVALID`, naming the leaf.
 */
export function decodeTree(json: string): ReceiptsTree {
  let index = 0;
  try {
    const leaves = (JSON.parse(json) as WrittenLeaf[]).map(({ receipt, v, feeSum, payerFees, salt }, i): OpenLeaf => {
      index = i;
      const { fee, weight, sketch, ...ids } = receipt;
      return {
        receipt: { ...ids, fee: BigInt(fee), weight: BigInt(weight), sketch: Int8Array.from(sketch) },
        v: v.map(BigInt),
        feeSum: BigInt(feeSum),
        payerFees: BigInt(payerFees),
        salt,
      };
    });
    return new ReceiptsTree(leaves);
  } catch (cause) {
    throw new OpenLedgerError(
      "TREE_INVALID",
      `Leaf ${index} of the tree is malformed. Ask the operator for it again.`,
      { cause },
    );
  }
}
