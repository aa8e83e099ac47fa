import type { Content } from "../sdk/content.ts";
import { type Protocol, type SketchDisputes, sketchDisputes } from "../sdk/contracts.ts";
import { OpenLedgerError } from "../sdk/errors.ts";
import { int8Bytes, mod } from "../sdk/hash.ts";
import { merkleProof, merkleRoot } from "../sdk/merkle.ts";
import { fetchManifest } from "../sdk/models.ts";
import {
  foldRows,
  type RunningSum,
  registrationChallenges,
  rowLengths,
  runningSums,
  sketchLeaves,
  starts,
  sumLeaves,
} from "../sdk/transcript.ts";
import { MAX_NORM } from "../trainer/attribution/quantise.ts";
import type { ISketchDisputesTypes as Types } from "../types/ethers-contracts/contracts/disputes/SketchDisputes.ts";
import { isWithin } from "./range.ts";

/** What is wrong with a registration, as far as what is published shows it. */
export type WrongSketch =
  | { kind: "row"; row: number; fault: "bounds" | "sum" | "length"; step: Types.StepStruct }
  /** The base weights before a contributor are not the lengths before his first row. */
  | { kind: "border"; row: number; contributor: number; at: ShownSum }
  /** What is published is not what was committed, or not enough to show the fault: this row must be shown. */
  | { kind: "demand"; row: number; why: string };

/** A sum with its proof under the registered root. */
export type ShownSum = RunningSum & { proof: string[] };

/** The rows of a commitment as its manifest publishes them, with their trees. */
class PublishedSketches {
  readonly sums: RunningSum[];
  readonly #rows: Int8Array;
  readonly #k: number;
  readonly #rowLeaves: string[];
  readonly #sumLeaves: string[];

  /** @param sums As they were registered; those of the rows where they are not given. */
  constructor(commitmentId: string, rows: Int8Array, k: number, sums?: RunningSum[]) {
    const { zeta, gamma } = registrationChallenges(commitmentId);
    this.#rows = rows;
    this.#k = k;
    this.sums = sums ?? runningSums(foldRows(rows, k, gamma), rowLengths(rows, k), zeta);
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

  shownSum(row: number): ShownSum {
    return { ...this.sums[row]!, proof: merkleProof(this.#sumLeaves, row) };
  }

  /** What shows a row, right or wrong. */
  step(row: number): Types.StepStruct {
    const [before, after] = [this.shownSum(row), this.shownSum(row + 1)];
    return {
      row,
      entries: int8Bytes(this.row(row)),
      entriesProof: merkleProof(this.#rowLeaves, row),
      sumBefore: before.sum,
      lengthBefore: before.length,
      beforeProof: before.proof,
      sumAfter: after.sum,
      lengthAfter: after.length,
      afterProof: after.proof,
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
 * What is wrong with a model's pending registration: the first row or base weight that the contract would revoke it for, or
 * the row to demand next. Undefined where all that is published is right.
 * @param registered Sums and lengths that its owner published; recomputed from the rows where they are left out.
 * @throws OpenLedgerError `SUMS_OTHER`
 */
export async function findWrongSketch(
  protocol: Protocol,
  pending: Pending,
  store: Content,
  registered?: RunningSum[],
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
  const borders = await bordersOf(protocol, id);
  if (shown.sumRoot === commitment.sumRoot) {
    const wrongStep = firstWrongStep(shown.sums, own.sums);
    const wrong = [outOfBounds, wrongStep?.row ?? -1].filter((row) => row >= 0);
    if (wrong.length === 0) return wrongBorder(borders, (row) => shown.shownSum(row));
    const row = Math.min(...wrong);
    return { kind: "row", row, fault: row === outOfBounds ? "bounds" : wrongStep!.fault, step: shown.step(row) };
  }
  if (registered !== undefined)
    throw new OpenLedgerError("SUMS_OTHER", "sums: these are not the registered ones. Leave them out, or get others.");
  if (outOfBounds >= 0)
    return demand(outOfBounds, `Row ${outOfBounds} is out of bounds, and its sums are not published`);
  const answered = await answeredSums(disputes, id);
  const found = wrongBorder(borders, (row) => answered.get(row));
  if (found !== undefined) return found;
  const end = { sum: commitment.sumTotal, length: borders.at(-1)!.base };
  const halfway = halfwayTo(own.sums, new Map<number, RunningSum>([...answered, [n, end]]));
  if (halfway !== undefined) return demand(halfway, "The registered sums are not those of the rows, and not published");
  // The columns open to the last sum: if that is the rows', the columns commit them, whatever the sums between. So it is
  // with the base weights, if they are the rows' lengths.
  const other = borders.find(({ row, base }) => own.sums[row]!.length !== base);
  if (other === undefined) return undefined;
  return demand(
    other.row,
    `The base weights before contributor ${other.contributor} are not those of the rows, and the registered sums not published`,
  );
}

/** Each contributor's first row, and what the lengths before it must be; at last, of all rows. */
async function bordersOf({ attribution }: Protocol, id: string) {
  const counts = (await attribution.rowCounts(id)).map(Number);
  const weights = [...(await attribution.baseWeights(id))];
  let base = 0n;
  return starts([...counts, 0]).map((row, contributor) => {
    const before = base;
    base += weights[contributor] ?? 0n;
    return { contributor, row, base: before };
  });
}

type Borders = Awaited<ReturnType<typeof bordersOf>>;

/** The first border before which lengths that can be shown are not what the base weights add up to. */
function wrongBorder(borders: Borders, shown: (row: number) => ShownSum | undefined): WrongSketch | undefined {
  for (const { contributor, row, base } of borders.slice(0, -1)) {
    const at = shown(row);
    if (at !== undefined && at.length !== base) return { kind: "border", row, contributor, at };
  }
  return undefined;
}

/** First step of `sums` that is wrong, where `own` are the rows' own. */
function firstWrongStep(sums: RunningSum[], own: RunningSum[]) {
  // A wrong step shifts all sums after it: where the difference changes, one was made.
  const off = sums.map(({ sum, length }, i) => ({ sum: mod(sum - own[i]!.sum), length: length - own[i]!.length }));
  if (off[0]!.sum !== 0n || off[0]!.length !== 0n) return { row: 0, fault: faultOf(off[0]!.sum !== 0n) };
  for (const [row, { sum, length }] of off.slice(0, -1).entries()) {
    const after = off[row + 1]!;
    if (after.sum !== sum || after.length !== length) return { row, fault: faultOf(after.sum !== sum) };
  }
  return undefined;
}

const faultOf = (inSum: boolean) => (inSum ? ("sum" as const) : ("length" as const));

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

/** The registered sums that answers to demands have shown, by row. */
async function answeredSums(disputes: SketchDisputes, id: string): Promise<Map<number, ShownSum>> {
  const sums = new Map<number, ShownSum>();
  for (const event of await disputes.queryFilter(disputes.filters.RowAnswered(id))) {
    const { data } = await event.getTransaction();
    const { step } = disputes.interface.decodeFunctionData("answerRow", data) as unknown as {
      step: Types.StepStructOutput;
    };
    const row = Number(step.row);
    sums.set(row, { sum: step.sumBefore, length: step.lengthBefore, proof: [...step.beforeProof] });
    sums.set(row + 1, { sum: step.sumAfter, length: step.lengthAfter, proof: [...step.afterProof] });
  }
  return sums;
}

/**
 * The row in the middle of where a wrong step must be; undefined where all sums that are known are the rows' own. An answer
 * is a right step and shows two registered sums: if they are the rows' own, the wrong step comes later, else before. So it
 * is found, or a demand left unanswered, in log2(N) demands.
 */
function halfwayTo(own: RunningSum[], known: Map<number, RunningSum>): number | undefined {
  const isOwn = (row: number, { sum, length }: RunningSum) => sum === own[row]!.sum && length === own[row]!.length;
  const rows = [...known].map(([row, shown]) => ({ row, isOwn: isOwn(row, shown) }));
  const wrong = Math.min(...rows.filter((one) => !one.isOwn).map(({ row }) => row));
  if (wrong === Number.POSITIVE_INFINITY) return undefined;
  const right = Math.max(0, ...rows.filter((one) => one.isOwn && one.row < wrong).map(({ row }) => row));
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
