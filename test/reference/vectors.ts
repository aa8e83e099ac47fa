// The shared vectors: data that another reading of the specification wrote down.

import { readFileSync } from "node:fs";
import type { Point1, Point2 } from "./curve.ts";
import type { SettlementProof, VerifyingKey } from "./settlement.ts";
import type { Sums } from "./sums.ts";

export const readVectors = <T>(name: string): T =>
  JSON.parse(readFileSync(new URL(`../../sdk/vectors/${name}.json`, import.meta.url), "utf8")) as T;

export interface RowVectors {
  rows: { path: string; text: string }[];
  hashes: string[];
  leaves: string[];
  root: string;
  proofs: string[][];
  file: string;
  sketches: {
    k: number;
    rows: number;
    bytes: string;
    root: string;
    rd: string;
    sums: { sum: string; length: string }[];
    sumRoot: string;
  };
}

export interface RegistrationVectors {
  version: {
    chainId: string;
    datanetRegistry: string;
    datanetId: string;
    version: string;
    contributions: { id: string; account: string; rows: string; rowRoot: string }[];
    versionHash: string;
  };
  registrations: {
    chainId: string;
    registry: string;
    modelId: string;
    versionHashes: string[];
    k: number;
    counts: number[];
    baseWeights: number[];
    flags: Point1;
    gRoot: string;
    m0: string;
    manifestHash: string;
    columnsHash: string;
    commitmentId: string;
    zeta: string;
    gamma: string;
    starts: number[];
    flagsBefore: number[];
  }[];
}

export interface ProofVectors {
  key: VerifyingKey;
  tauG2: Point2;
  vkId: string;
  settlements: {
    registration: {
      chainId: string;
      registry: string;
      modelId: string;
      versionHashes: string[];
      k: number;
      counts: number[];
      baseWeights: number[];
      columns: string;
      flags: Point1;
      gRoot: string;
      m0: string;
      manifestHash: string;
      commitmentId: string;
      zeta: string;
      gamma: string;
      opening: Point1;
      sums: Sums;
    };
    sketches: string; // G, row by row
    statement: {
      splitter: string;
      chainId: string;
      verifier: string;
      vkId: string;
      commitmentId: string;
      epochId: string;
      prover: string;
      floorUnits: string;
      q: string;
      scoreCommitment: Point1;
      totals: string;
      h: string[];
    };
    totalValues: string[];
    proof: SettlementProof;
    sd: string;
    z: string;
    x: string;
    lambda: string;
    flagsBefore: number[];
  }[];
}

export interface KeyVectors {
  key: VerifyingKey;
  tauG2: Point2;
  vkId: string;
  developmentVkId: string;
  developmentScalars: Record<"tau" | "alpha" | "beta" | "delta", string>;
}

interface Domain {
  name: string;
  version: string;
  chainId: string;
  verifyingContract: string;
}

export interface SignatureVectors {
  escrow: Domain;
  splitter: Domain;
  voucher: Record<string, string>;
  call: {
    secret: string;
    salts: { request: string; response: string; sketch: string };
    promptIds: number[];
    completionIds: number[];
    sketch: string;
  };
  receipt: Record<string, string>;
  sketchRecord: { receiptId: string; sketch: string };
  recordId: string;
}

export interface EpochVectors {
  receipts: {
    k: number;
    receipts: {
      server: string;
      customer: string;
      receiptId: string;
      recordId: string;
      fee: string;
      weight: string;
      sketch: string;
    }[];
    v: string[];
    fees: string;
    root: string;
    payerFees: string[];
    leaves: string[];
    lastProof: string[];
  };
  quantise: { v: string[]; q: string; d: string; squares: number; fees18: string; floorUnits: string }[];
  sharePot: { pot: string; totals: string[]; floor: string; base: string[]; pay: string[]; dust: string }[];
  claims: { commitmentId: string; cumulative: string[]; leaves: string[]; root: string; proofs: string[][] };
}

export type TranscriptVectors = {
  splitter: string;
  chainId: string;
  verifier: string;
  vkId: string;
  commitmentId: string;
  epochId: string;
  prover: string;
  floorUnits: string;
  q: string;
  scoreCommitment: Point1;
  totals: string;
  h: string[];
  totalValues: string[];
  sd: string;
  z: string;
  x: string;
  proof: SettlementProof;
  lambda: string;
}[];
