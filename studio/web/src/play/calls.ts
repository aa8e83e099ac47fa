import { useState } from "react";
import { type Paid, plain } from "../../../../openlora/wire.ts";
import type { Split } from "../split.ts";

/** One paid call of this session. Amounts are token units as decimal text, so that it can be stored. */
export type Call = {
  at: string;
  modelId: string;
  model: string;
  account: string;
  question: string;
  answer: string;
  fee: string;
  inputTokens: number;
  outputTokens: number;
  epochId: string;
  receiptId: string;
  split: Split;
  receipt: unknown;
};

export const callOf = (
  { receipt, receiptSignature, secret }: Paid,
  fields: Pick<Call, "modelId" | "model" | "account" | "question" | "answer" | "receiptId" | "split">,
): Call => ({
  ...fields,
  at: new Date().toISOString(),
  fee: String(receipt.fee),
  inputTokens: Number(receipt.inputTokens),
  outputTokens: Number(receipt.outputTokens),
  epochId: String(receipt.epochId),
  receipt: plain({ receipt, receiptSignature, secret }),
});

/** This session's calls on one chain, oldest first; a reload keeps them. */
export function useCalls(genesis: string): [Call[], (call: Call) => void] {
  const key = `openledger.calls:${genesis}`;
  const [calls, setCalls] = useState<Call[]>(() => JSON.parse(sessionStorage.getItem(key) ?? "[]"));
  const add = (call: Call) =>
    setCalls((before) => {
      const after = [...before, call];
      sessionStorage.setItem(key, JSON.stringify(after));
      return after;
    });
  return [calls, add];
}
