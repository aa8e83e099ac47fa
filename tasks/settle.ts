import { readFileSync } from "node:fs";
import { join } from "node:path";
import { stopProver } from "../prover/groth16.ts";
import { provingKey } from "../prover/keys.ts";
import { proveEpoch, registeredAs, settleEpoch } from "../prover/operator.ts";
import { type ChunkProgress, forgetChunks, type Resources, workerProver } from "../prover/workers.ts";
import type { Protocol } from "../sdk/contracts.ts";
import { OpenLedgerError } from "../sdk/errors.ts";
import { proposalOf } from "../sdk/history.ts";
import { sketchRoot } from "../sdk/transcript.ts";

type Which = { model: bigint; epoch: bigint } & Resources;

/** Where chunks are kept until their settlement is sent. */
const CHUNKS = ".local/chunks";

/** Proves an epoch's totals from the model's published sketches and settles it. */
export async function proveAndSettle(protocol: Protocol, which: Which, prover: string, folder: string, keys: string) {
  const { model, epoch, ...resources } = which;
  const { splitter, attribution } = protocol;
  const { commitmentId, vkId, settledAt } = await splitter.epoch(model, epoch);
  // Proving takes a while: what cannot be settled is refused before.
  if (settledAt !== 0n)
    throw new OpenLedgerError("EPOCH_SETTLED", `epoch: epoch ${epoch} of model ${model} is settled already.`);
  await proposalOf(splitter, model, epoch);
  const { k, rows, gRoot } = await attribution.commitment(commitmentId);
  const sketches = readSketches(folder, Number(k), gRoot);
  const committed = await registeredAs(protocol, commitmentId, sketches);
  const { key, srs } = await provingKey(protocol, vkId, Number(rows), keys);
  try {
    const onChunk = ({ done, chunks }: ChunkProgress) => console.error(`Chunk ${done} of ${chunks} proven.`);
    const prove = workerProver({ folder: CHUNKS, onChunk, ...resources });
    const settlement = await proveEpoch(protocol, model, epoch, prover, committed, key, srs, prove);
    const receipt = await settleEpoch(protocol, model, epoch, settlement);
    forgetChunks(CHUNKS, settlement);
    return receipt;
  } finally {
    await stopProver();
  }
}

/** The sketches of `rows.int8`, as the trainer saves them, if they are the committed ones. */
export function readSketches(folder: string, k: number, gRoot: string): Int8Array {
  const path = join(folder, "rows.int8");
  let sketches: Int8Array;
  try {
    sketches = new Int8Array(readFileSync(path));
  } catch (cause) {
    throw new OpenLedgerError(
      "SKETCHES_MISSING",
      `sketches: there is no ${path}. Name the folder of the model's sketches.`,
      {
        cause,
      },
    );
  }
  if (sketches.length % k !== 0 || sketchRoot(sketches, k) !== gRoot)
    throw new OpenLedgerError(
      "SKETCHES_WRONG",
      `sketches: ${path} is not what the model committed to. Name the folder of this model's sketches.`,
    );
  return sketches;
}
