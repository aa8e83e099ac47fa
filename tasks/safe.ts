import { keccak256, toUtf8Bytes } from "ethers";
import type { Call } from "./sender.ts";

type Batch = { chainId: number; safe: string; name: string; createdAt: number };

/**
 * Calls as a file for the Transaction Builder of a Safe, which asks its owners to sign them as one transaction.
 * @param createdAt In milliseconds.
 */
export function safeBatch({ chainId, safe, name, createdAt }: Batch, calls: Call[]) {
  const meta = {
    name,
    description: "",
    txBuilderVersion: "1.18.2",
    createdFromSafeAddress: safe,
    createdFromOwnerAddress: "",
  };
  const batch = {
    version: "1.0",
    chainId: String(chainId),
    createdAt,
    meta,
    transactions: calls.map(({ to, data, value }) => ({
      to,
      value: String(value),
      data,
      contractMethod: null,
      contractInputsValues: null,
    })),
  };
  return { ...batch, meta: { ...meta, checksum: checksum(batch) } };
}

/**
 * What the Transaction Builder compares with a file's `meta.checksum`, to warn of changes: the hash of all but that and
 * the name.
 */
export const checksum = (batch: { meta: object }): string =>
  keccak256(toUtf8Bytes(serialized({ ...batch, meta: { ...batch.meta, name: null } })));

/** The Transaction Builder's own order of keys and values; not JSON. */
function serialized(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(serialized).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return `{${JSON.stringify(entries.map(([key]) => key))}${entries.map(([, one]) => `${serialized(one)},`).join("")}}`;
}
