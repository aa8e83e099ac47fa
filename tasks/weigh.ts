import type { Protocol } from "../sdk/contracts.ts";
import { movement, queryWeight } from "../trainer/attribution/weights.ts";
import { readSketches } from "./settle.ts";

/** ω_t of a sketch for a fee with 18 decimals, by the sketches that an epoch's model committed to. */
export async function readWeigher({ splitter, attribution }: Protocol, model: bigint, epoch: bigint, folder: string) {
  const { commitmentId } = await splitter.epoch(model, epoch);
  const { k, gRoot, m0 } = await attribution.commitment(commitmentId);
  const rows = { rows: readSketches(folder, Number(k), gRoot), k: Number(k) };
  return (sketch: Int8Array, fee18: bigint): bigint => queryWeight(fee18, movement(rows, sketch), Number(m0));
}
