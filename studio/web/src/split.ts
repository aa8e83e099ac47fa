import { BPS, KAPPA0_BPS } from "../../../sdk/epoch.ts";
import type { ModelTerms } from "../../../sdk/models.ts";

export type Split = ModelTerms["split"];

/** Who shares a fee, in the order of a model's split. */
export const PARTS: Record<keyof Split, string> = {
  data: "Contributors of the data",
  owner: "Owner of the model",
  server: "Server that answers",
  operator: "Operator that proves",
  protocol: "Protocol treasury",
};

const names = Object.keys(PARTS) as (keyof Split)[];

/** A split as people type it: percent, two decimals at most. */
export type TypedSplit = Record<keyof Split, string>;

/** What is wrong with a typed split, by field and in all; and what it comes to. */
export type ReadSplit = {
  problems: Partial<Record<keyof Split, string>>;
  total: string;
  problem?: string;
  split: Split;
};

/** Reads a split, by the bounds that the contract has: the data's part, and the sum. */
export function readSplit(typed: TypedSplit): ReadSplit {
  const problems: ReadSplit["problems"] = {};
  const split = Object.fromEntries(
    names.map((name) => {
      const bps = basisPoints(typed[name]);
      if (bps === undefined) problems[name] = "A percentage from 0 to 100, with two decimals at most.";
      else if (name === "data" && bps > Number(KAPPA0_BPS))
        problems[name] =
          `At most ${percentOf(Number(KAPPA0_BPS))}: above it, buying answers to one's own data could pay.`;
      return [name, bps ?? 0];
    }),
  ) as Split;
  const sum = names.reduce((all, name) => all + split[name], 0);
  const missing = Number(BPS) - sum;
  return {
    problems,
    split,
    total: percentOf(sum),
    ...(missing === 0
      ? {}
      : {
          problem: `The parts must add up to 100 %: ${percentOf(Math.abs(missing))} ${missing > 0 ? "missing" : "too much"}.`,
        }),
  };
}

/** Basis points of a percentage, or undefined where it is none. */
function basisPoints(percent: string): number | undefined {
  if (!/^\d{1,3}(\.\d{1,2})?$/.test(percent.trim())) return undefined;
  const bps = Math.round(Number(percent) * 100);
  return bps <= Number(BPS) ? bps : undefined;
}

/** Basis points as a percentage. */
export const percentOf = (bps: number): string => `${Number((bps / 100).toFixed(2))} %`;

/** What each part of a split gets of a fee, in token units; the operator's is what the others leave. */
export function shares(fee: bigint, split: Split): Record<keyof Split, bigint> {
  const parts = Object.fromEntries(names.map((name) => [name, (fee * BigInt(split[name])) / BPS])) as Record<
    keyof Split,
    bigint
  >;
  const given = names.reduce((sum, name) => sum + parts[name], 0n);
  return { ...parts, operator: parts.operator + fee - given };
}
