import { once } from "node:events";
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { Bn254, G1_BYTES } from "../circuits/bn254.ts";
import { OpenLedgerError } from "../sdk/errors.ts";
import { decodePoints, encodePoint } from "../sdk/transcript.ts";
import { checkSketches, commitColumns, type Powers } from "./kzg.ts";

/** Entries below which starting another thread takes longer than it saves. */
const LEAST_ENTRIES = 250_000;

/** What a thread commits: some rows, and the powers of τ that are theirs. */
export interface Share {
  readonly sketches: Int8Array<ArrayBuffer>;
  readonly powers: Uint8Array<ArrayBuffer>;
  readonly k: number;
}

/**
 * `commitColumns` by several threads, one for each core unless told. A commitment is a sum over the rows: each thread commits
 * a share of them, so the points do not depend on how many there are.
 * @throws what `commitColumns` throws, and OpenLedgerError `COMMIT_THREAD`
 */
export async function commitInThreads(
  sketches: Int8Array,
  k: number,
  srs: Powers,
  threads = availableParallelism(),
): Promise<Uint8Array> {
  checkSketches(sketches, k, srs);
  const rows = sketches.length / k;
  const count = Math.min(threads, rows, Math.floor(sketches.length / LEAST_ENTRIES));
  if (count <= 1) return commitColumns(sketches, k, srs);
  const from = (share: number) => Math.floor((rows * share) / count);
  return sumColumns(
    await Promise.all(
      Array.from({ length: count }, (_, share) =>
        commitApart({
          sketches: sketches.slice(from(share) * k, from(share + 1) * k),
          powers: srs.powers.slice(from(share) * G1_BYTES, from(share + 1) * G1_BYTES),
          k,
        }),
      ),
    ),
  );
}

async function commitApart(share: Share): Promise<Uint8Array> {
  const worker = new Worker(new URL("./commit-thread.ts", import.meta.url), {
    // ffjavascript's web-worker takes every thread for one of its own, which has a script to run: here an empty one.
    workerData: { ...share, mod: "data:," },
    transferList: [share.sketches.buffer, share.powers.buffer],
  });
  try {
    return (await once(worker, "message"))[0] as Uint8Array;
  } catch (cause) {
    throw new OpenLedgerError(
      "COMMIT_THREAD",
      "A thread that commits sketches failed, most likely for lack of memory. Free some and commit again.",
      { cause },
    );
  } finally {
    await worker.terminate();
  }
}

async function sumColumns(shares: Uint8Array[]): Promise<Uint8Array> {
  const bn254 = await Bn254.load();
  const columns = new Uint8Array(shares[0]!.length);
  const points = shares.map(decodePoints);
  for (let j = 0; j * G1_BYTES < columns.length; j++) {
    const sum = points.reduce((all, of) => bn254.curve.G1.add(all, bn254.rawG1(of[j]!)), bn254.curve.G1.zeroAffine);
    columns.set(encodePoint(bn254.g1(sum)), j * G1_BYTES);
  }
  return columns;
}
