import type { Content } from "../sdk/content.ts";
import { type Protocol, type SketchDisputes, sketchDisputes } from "../sdk/contracts.ts";
import { OpenLedgerError } from "../sdk/errors.ts";
import { int8Bytes, mod } from "../sdk/hash.ts";
import { merkleProof, merkleRoot } from "../sdk/merkle.ts";
import { fetchManifest } from "../sdk/models.ts";
import { foldRows, registrationChallenges, runningSums, sketchLeaves, sumLeaves } from "../sdk/transcript.ts";
import { MAX_NORM } from "../trainer/attribution/quantise.ts";
import type { ISketchDisputesTypes as Types } from "../types/ethers-contracts/contracts/disputes/SketchDisputes.ts";
import { isWithin } from "./range.ts";

/** What is wrong with a registration, as far as what is published shows it. */
export type WrongSketch =
  | { kind: "row"; row: number; fault: "bounds" | "sum"; step: Types.StepStruct }
  /** What is published is not what was committed, or not enough to show the fault: this row must be shown. */
  | { kind: "demand"; row: number; why: string };

/** The rows of a commitment as its manifest publishes them, with their trees. */
class PublishedSketches {
  readonly sums: bigint[];
  readonly #rows: Int8Array;
  readonly #k: number;
  readonly #rowLeaves: string[];
  readonly #sumLeaves: string[];

  /** @param sums P_0 … P_N as they were registered; those of the rows where they are not given. */
  constructor(commitmentId: string, rows: Int8Array, k: number, sums?: bigint[]) {
    const { zeta, gamma } = registrationChallenges(commitmentId);
    this.#rows = rows;
    this.#k = k;
    this.sums = sums ?? runningSums(foldRows(rows, k, gamma), zeta);
    this.#rowLeaves = sketchLeaves(rows, k);
    this.#sumLeaves = sumLeaves(this.sums);
  }

  get rowRoot(): string {
    return merkleRoot(this.#rowLeaves);
  }

  get sumRoot(): string {
    return merkleRoot(this.#sumLeaves);
  }

  row(i: number): Int8Array {
    return this.#rows.subarray(i * this.#k, (i + 1) * this.#k);
  }

  /** First row with an entry of −128 or a norm above 136; −1 if there is none. */
  outOfBounds(): number {
    return this.#rowLeaves.findIndex((_, i) => !isWithin(this.row(i), MAX_NORM));
  }

  /** What shows a row, right or wrong. */
  step(row: number): Types.StepStruct {
    return {
      row,
      entries: int8Bytes(this.row(row)),
      entriesProof: merkleProof(this.#rowLeaves, row),
      sumBefore: this.sums[row]!,
      beforeProof: merkleProof(this.#sumLeaves, row),
      sumAfter: this.sums[row + 1]!,
      afterProof: merkleProof(this.#sumLeaves, row + 1),
    };
  }
}

/** The commitment of a model that can still be disputed, and where. */
export async function pendingCommitment(protocol: Protocol, modelId: bigint) {
  const { attribution } = protocol;
  const disputes = await sketchDisputes(protocol);
  const id = await attribution.commitmentOf(modelId);
  const fail = (code: string, message: string) => new OpenLedgerError(code, `model: ${message}`);
  if (BigInt(id) === 0n)
    throw fail("MODEL_UNREGISTERED", `${modelId} has no commitment that was not revoked. Nothing can be disputed.`);
  if (await disputes.isActive(id))
    throw fail("MODEL_ACTIVE", `the commitment of ${modelId} is active for ever. Only a pending one can be disputed.`);
  return { id, disputes, commitment: await attribution.commitment(id) };
}

type Pending = Awaited<ReturnType<typeof pendingCommitment>>;

const UNPUBLISHED = ["CONTENT_MISSING", "MODEL_MANIFEST"];

/** The rows that the manifest of a commitment's release names; undefined where nobody has them. */
async function publishedRows({ models }: Protocol, { commitment }: Pending, store: Content) {
  try {
    const { manifest } = await fetchManifest(models, store, commitment.modelId, commitment.release);
    return Int8Array.from(await store.get(String(manifest.sketches?.rows)));
  } catch (error) {
    if (error instanceof OpenLedgerError && UNPUBLISHED.includes(error.code)) return undefined;
    throw error;
  }
}

/**
 * What is wrong with a model's pending registration: the first row that the contract would revoke it for, or the row to
 * demand next. Undefined where all that is published is right.
 * @param registered Sums P_0 … P_N that its owner published; recomputed from the rows where they are left out.
 * @throws OpenLedgerError `SUMS_OTHER`
 */
export async function findWrongSketch(
  protocol: Protocol,
  pending: Pending,
  store: Content,
  registered?: bigint[],
): Promise<WrongSketch | undefined> {
  const { id, disputes, commitment } = pending;
  const [n, k] = [Number(commitment.rows), Number(commitment.k)];
  const rows = await publishedRows(protocol, pending, store);
  const demand = (row: number, why: string): WrongSketch => ({ kind: "demand", row, why });
  if (rows === undefined)
    return demand(await undemanded(disputes, id, n), "The rows that its manifest names are not in the content store");
  const own = rows.length === n * k ? new PublishedSketches(id, rows, k) : undefined;
  if (own?.rowRoot !== commitment.gRoot)
    return demand(await undemanded(disputes, id, n), "The rows that its manifest names are not the committed ones");

  const shown = registered === undefined ? own : new PublishedSketches(id, rows, k, registered);
  const outOfBounds = own.outOfBounds();
  if (shown.sumRoot === commitment.sumRoot) {
    const wrongSum = firstWrongStep(shown.sums, own.sums);
    const wrong = [outOfBounds, wrongSum].filter((row) => row >= 0);
    if (wrong.length === 0) return undefined;
    const row = Math.min(...wrong);
    return { kind: "row", row, fault: row === outOfBounds ? "bounds" : "sum", step: shown.step(row) };
  }
  if (registered !== undefined)
    throw new OpenLedgerError("SUMS_OTHER", "sums: these are not the registered ones. Leave them out, or get others.");
  if (outOfBounds >= 0)
    return demand(outOfBounds, `Row ${outOfBounds} is out of bounds, and its sums are not published`);
  // The columns open to the last sum: if that is the rows', the columns commit them, whatever the sums between.
  if (own.sums.at(-1) === commitment.sumTotal) return undefined;
  return demand(
    await halfway(disputes, id, own.sums),
    "The registered sums are not those of the rows, and not published",
  );
}

/** First step of `sums` that is wrong, where `own` are the rows' own. */
function firstWrongStep(sums: bigint[], own: bigint[]): number {
  if (sums[0] !== 0n) return 0;
  const steps = own.slice(1).map((sum, i) => ({ sum, i }));
  // A wrong step shifts all sums after it: where the difference changes, one was made.
  return steps.findIndex(({ sum, i }) => mod(sums[i + 1]! - sum) !== mod(sums[i]! - own[i]!));
}

/** Any row that nobody demanded. */
async function undemanded(disputes: SketchDisputes, id: string, rows: number): Promise<number> {
  const demanded = await disputes.queryFilter(disputes.filters.RowDemanded(id));
  const known = new Set(demanded.map(({ args }) => Number(args.row)));
  for (let row = 0; row < rows; row++) if (!known.has(row)) return row;
  throw new OpenLedgerError(
    "ROWS_DEMANDED",
    "model: every row was demanded. `model:resolve` ends what nobody answered.",
  );
}

/**
 * The row in the middle of where a wrong step must be. An answer is a right step and shows two registered sums: if they are
 * the rows' own, the wrong step comes later, else before. So it is found, or a demand left unanswered, in log2(N) demands.
 */
async function halfway(disputes: SketchDisputes, id: string, own: bigint[]): Promise<number> {
  let [right, wrong] = [0, own.length - 1];
  for (const event of await disputes.queryFilter(disputes.filters.RowAnswered(id))) {
    const { data } = await event.getTransaction();
    const { step } = disputes.interface.decodeFunctionData("answerRow", data) as unknown as { step: Types.StepStruct };
    const row = Number(step.row);
    if (step.sumAfter === own[row + 1]) right = Math.max(right, row + 1);
    else wrong = Math.min(wrong, row);
  }
  return Math.floor((right + wrong - 1) / 2);
}

/**
 * What shows each row of a registration, from what was published for it.
 * @throws OpenLedgerError `SKETCHES_WRONG`
 */
export async function registeredSteps(
  protocol: Protocol,
  pending: Pending,
  store: Content,
): Promise<(row: number) => Types.StepStruct> {
  const { id, commitment } = pending;
  const rows = await publishedRows(protocol, pending, store);
  const sketches = rows && new PublishedSketches(id, rows, Number(commitment.k));
  if (sketches?.rowRoot !== commitment.gRoot || sketches.sumRoot !== commitment.sumRoot)
    throw new OpenLedgerError(
      "SKETCHES_WRONG",
      "store: it does not hold the rows that were registered. Name the folder from which the model was registered.",
    );
  return (row) => sketches.step(row);
}
