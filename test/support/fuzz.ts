import assert from "node:assert/strict";
import { Bn254 } from "../../circuits/bn254.ts";
import { inverses } from "../../circuits/field.ts";
import { checkSettlement, combinedValue } from "../../prover/check.ts";
import { solveChunk } from "../../prover/groth16.ts";
import { combineColumns, linearCombination } from "../../prover/kzg.ts";
import { openCombined } from "../../prover/settlement.ts";
import { STAGED_PROOF } from "../../prover/stages.ts";
import { buildWitness, type Chunk, evaluateChunk, hashChunk } from "../../prover/witness.ts";
import { type G1, int8Bytes, mod, FIELD as R, words } from "../../sdk/hash.ts";
import { scoreRows, totalsOf } from "../../sdk/scores.ts";
import {
  type ChunkProof,
  DEVELOPMENT,
  encodeTotals,
  flagsBefore,
  foldingChallenge,
  type SettlementProof,
  type SettlementStatement,
  settlementChallenges,
  type VerifyingKey,
  vkId,
} from "../../sdk/transcript.ts";
import { element, integers, outcome, seeded } from "../prover/samples.ts";
import * as chunk from "../reference/chunk.ts";
import { hex } from "../reference/encoding.ts";
import { starts } from "../reference/registration.ts";
import { scores as referenceScores, totals as referenceTotals, signed, totalsBytes } from "../reference/scores.ts";
import * as reference from "../reference/settlement.ts";
import { type Attribution, type Prepared, registerModel, settlementContext, verifyArguments } from "./attribution.ts";
import { type Forged, withChunk } from "./forger.ts";

/*
 * The same random settlements put to the library, the circuit, the contract and the reference of test/reference. Proofs
 * are simulated with the published secrets of the development key, so that a settlement costs milliseconds, and a false
 * one comes with proofs that hold: what refuses it must be the equations.
 */

/** Circuit and contract where the chunk is 210 rows; contract alone at sizes at which many chunks are cheap. */
const CIRCUIT_ROWS = 210;
const CHUNK_ROWS = [1, 2, 3, 8, 24, CIRCUIT_ROWS];

export interface Tally {
  /** Settlements, each once as it is and once forged. */
  cases: number;
  /** Chunks put to the circuit's witness generator, as they are and with one value changed. */
  chunks: number;
  /** Cases put to the contract by a stage too. */
  staged: number;
  /** Cases on which the reference verifier was asked for its whole verdict. */
  verdicts: number;
  /** Why the contract refused forged settlements, and how often. */
  refused: Record<string, number>;
  /** Forgeries tried, by kind. */
  forgeries: Record<string, number>;
}

export const emptyTally = (): Tally => ({ cases: 0, chunks: 0, staged: 0, verdicts: 0, refused: {}, forgeries: {} });

type Random = () => number;
const below = (random: Random, n: number) => Math.floor(random() * n);
const pick = <T>(random: Random, items: readonly T[]): T => items[below(random, items.length)]!;

/** Adds the development key under every chunk size of the fuzzer. */
export async function registerChunkSizes({ ethers, verifier, verifying }: Attribution): Promise<void> {
  const [admin] = await ethers.getSigners();
  for (const chunkRows of CHUNK_ROWS)
    if (chunkRows !== verifying.chunkRows) await verifier.connect(admin!).registerKey({ ...verifying, chunkRows });
}

/** Everything known about one settlement. */
interface Case {
  readonly chain: Attribution;
  readonly prepared: Prepared;
  readonly query: Int8Array;
  readonly scores: Int32Array;
  readonly chunks: Chunk[];
  readonly totals: bigint[];
  readonly random: Random;
}

/** A model of random shape: what it is depends on seed and index only. */
async function randomModel(world: Attribution, random: Random): Promise<{ chain: Attribution; prepared: Prepared }> {
  const chunkRows = pick(random, CHUNK_ROWS);
  const full = 1 + below(random, chunkRows === CIRCUIT_ROWS ? 2 : 5);
  const rows = full * chunkRows - (random() < 0.3 ? 0 : below(random, chunkRows));
  // Contributors' borders, some of them on borders of chunks.
  const borders = new Set<number>();
  for (let left = below(random, 12); left > 0; left--)
    borders.add(random() < 0.3 ? chunkRows * below(random, full) : below(random, rows));
  const first = [0, ...[...borders].filter((row) => row > 0).sort((a, b) => a - b)];
  const counts = first.map((row, c) => (first[c + 1] ?? rows) - row);

  const k = random() < 0.9 ? 128 : pick(random, [256, 512]);
  const limit = pick(random, [1, 5, Math.floor(136 / Math.sqrt(k))]);
  const sketches = Int8Array.from(integers(random, rows * k, limit));
  const zeroColumns = new Set(Array.from({ length: below(random, k) }, () => below(random, k)));
  for (let i = 0; i < rows; i++) {
    const row = sketches.subarray(i * k, (i + 1) * k);
    if (random() < 0.1) row.fill(0);
    if (random() < 0.1) row.fill(0).set([pick(random, [127, -127, 1]), 48], below(random, k - 1));
    for (const j of zeroColumns) row[j] = 0;
  }
  if (sketches.every((entry) => entry === 0)) sketches[0] = 1;
  const verifying: VerifyingKey = { ...world.verifying, chunkRows };
  const chain = { ...world, verifying, vkId: vkId(verifying, world.srs.tauG2, true) };
  return { chain, prepared: await registerModel(chain, [counts], k, sketches) };
}

function randomQuery(random: Random, k: number): Int8Array {
  const kind = below(random, 4);
  const query = Int8Array.from(integers(random, k, kind === 0 ? 1 : Math.floor(480 / Math.sqrt(k))));
  if (kind === 1) for (let j = 0; j < k; j++) if (random() < 0.95) query[j] = 0;
  if (kind === 2) query.fill(0).set([127, -127, 127, -120, pick(random, [-1, 1])], below(random, k - 5));
  return query;
}

/** A proof of any public inputs under the development key: C makes up for whatever A, B and the inputs are. */
async function simulatedChunk(
  { verifying }: Attribution,
  z: bigint,
  x: bigint,
  values: Pick<ChunkProof, "h" | "y" | "a">,
  random: Random,
): Promise<ChunkProof> {
  const { alpha, beta, delta } = DEVELOPMENT;
  const [a, b] = [element(random), element(random)];
  const [overDelta] = inverses([delta]) as [bigint];
  const { curve, ...bn254 } = await pointsOf();
  return {
    ...values,
    pA: bn254.g1(curve.G1.timesScalar(curve.G1.gAffine, a)),
    pB: bn254.g2(curve.G2.timesScalar(curve.G2.gAffine, b)),
    pC: await linearCombination(
      [[1n, 2n], ...verifying.ic],
      [a * b - alpha * beta, ...[1n, z, x, values.h, values.y, values.a].map((value) => -value)].map((scalar) =>
        mod(scalar * overDelta),
      ),
    ),
  };
}

async function pointsOf() {
  const bn254 = await Bn254.load();
  return { curve: bn254.curve, g1: bn254.g1.bind(bn254), g2: bn254.g2.bind(bn254) };
}

/** A settlement of the case, or of other rows or totals in it; every chunk's proof holds. */
async function settlement(of: Case, change: { chunks?: Chunk[]; totals?: bigint[] } = {}): Promise<Forged> {
  const { chain, prepared, query, scores, random } = of;
  const { chunks, totals } = { ...of, ...change };
  const h: bigint[] = [];
  for (const rows of chunks)
    h.push(chain.verifying.chunkRows === CIRCUIT_ROWS ? await hashChunk(rows) : element(random));
  const statement: SettlementStatement = {
    ...(await settlementContext(chain, prepared.commitmentId)),
    q: query,
    scoreCommitment: await combineColumns(prepared.committed.columns, query),
    totals: encodeTotals(totals),
    h,
  };
  const { z, x } = settlementChallenges(statement);
  const proofs: ChunkProof[] = [];
  for (const [t, rows] of chunks.entries())
    proofs.push(await simulatedChunk(chain, z, x, { h: h[t]!, ...evaluateChunk(rows, z, x) }, random));
  const { w } = await openCombined(scores, prepared.committed.counts, z, x, chain.srs);
  return { statement, proof: { chunks: proofs, opening: w } };
}

const asked = (chain: Attribution, { statement, proof }: Forged): Promise<string> =>
  reasonOf(chain, () => chain.verifier.connect(chain.splitter).verify(...verifyArguments(statement, proof)));

/** The same asked by a stage, of pieces of random length; the chain is left as it was. */
async function askedByStage(chain: Attribution, { statement, proof }: Forged, random: Random): Promise<string> {
  const { ethers, verifier } = chain;
  const { splitter, commitmentId, vkId, epochId, prover, floorUnits, q, totals } = statement;
  const context = { splitter, commitmentId, vkId, epochId, prover, floorUnits };
  const start = [context, int8Bytes(q), totals, proof.chunks.map(({ h }) => h)] as const;
  const before = await ethers.provider.send("evm_snapshot", []);
  const reason = await reasonOf(chain, async () => {
    const sd = await verifier.startStage.staticCall(...start);
    await verifier.startStage(...start);
    for (let first = 0; first < proof.chunks.length; ) {
      const end = first + 1 + below(random, proof.chunks.length - first);
      const piece = [sd, first, proof.chunks.slice(first, end)] as const;
      await verifier.addChunks.staticCall(...piece);
      await verifier.addChunks(...piece);
      first = end;
    }
    await verifier.finishStage.staticCall(sd, proof.opening);
    await verifier.finishStage(sd, proof.opening);
    await verifier.connect(chain.splitter).verify(...verifyArguments(statement, STAGED_PROOF));
  });
  await ethers.provider.send("evm_revert", [before]);
  return reason;
}

/** The name of the error that the contract refuses with, or "ok". */
async function reasonOf({ verifier }: Attribution, call: () => Promise<unknown>): Promise<string> {
  try {
    await call();
    return "ok";
  } catch (error) {
    const name = verifier.interface.parseError((error as { data?: string }).data ?? "0x00000000")?.name;
    if (name === undefined) throw error;
    return name;
  }
}

function referenceInput({ chain, prepared }: Case, { statement, proof }: Forged): reference.SettlementInput {
  const { q, scoreCommitment: _, h: __, commitmentId, ...rest } = statement;
  const { counts, columns, flags } = prepared.committed;
  const commitment = { id: commitmentId, counts, columns, flags };
  return { ...rest, key: chain.verifying, tauG2: chain.srs.tauG2, commitment, q: int8Bytes(q), proof };
}

/** Whether library and reference find the same rows, values, totals and challenges. */
function compare(of: Case, { statement, proof }: Forged): void {
  const { prepared, query, scores, chunks, totals, chain } = of;
  const { counts, sketches } = prepared.committed;
  const k = query.length;
  const { chunkRows } = chain.verifying;
  const G = Array.from({ length: scores.length }, (_, i) => Array.from(sketches.subarray(i * k, (i + 1) * k)));
  const s = referenceScores(G, signed(int8Bytes(query)));
  assert.deepEqual(Array.from(scores, BigInt), s, "scores");
  assert.deepEqual(totals, referenceTotals(s, counts), "totals");
  assert.equal(hex(statement.totals), hex(totalsBytes(totals)), "bytes of the totals");

  const input = referenceInput(of, { statement, proof });
  const { sd, z, x, lambda } = reference.transcript(input, statement.scoreCommitment);
  assert.deepEqual({ sd, z, x }, settlementChallenges(statement), "z and x");
  assert.equal(lambda, foldingChallenge(sd, proof), "λ");
  const rows = chunk.chunkRows(s, counts, chunkRows);
  assert.equal(rows.length, chunks.length, "chunks");
  for (const [t, expected] of rows.entries()) {
    const found = chunks[t]!;
    assert.deepEqual(
      Array.from(found.scores, BigInt),
      expected.map(({ score }) => score),
    );
    assert.deepEqual(
      Array.from(found.flags, BigInt),
      expected.map(({ flag }) => flag),
    );
    const { h, y, a } = proof.chunks[t]!;
    assert.deepEqual({ y, a }, chunk.chunkValues(expected, z, x), "y and a");
    if (chunkRows === CIRCUIT_ROWS) assert.equal(h, chunk.chunkHash(expected), "h");
  }
  const plain = {
    R: BigInt(chunkRows),
    N: BigInt(scores.length),
    starts: starts(counts),
    totals,
    values: proof.chunks,
  };
  assert.deepEqual(
    rows.map((_, t) => reference.flagsBefore(plain, t)),
    flagsBefore(counts, chunkRows, rows.length),
    "f_t",
  );
  const { evaluation, totalsAgree } = reference;
  const whole = plain as unknown as reference.Statement; // (1) and (2) need no points
  assert.equal(totalsAgree(whole, x), true, "equation (1)");
  const y = combinedValue(
    proof.chunks.map((values) => values.y),
    counts,
    chunkRows,
    z,
    x,
  );
  assert.equal(y, evaluation(whole, z, x), "equation (2)");
}

/** Every chunk is taken by the circuit, and the last is not with one value another. */
async function solve({ chain, chunks, random }: Case, { statement, proof }: Forged): Promise<number> {
  const { z, x } = settlementChallenges(statement);
  const inputs = proof.chunks.map(({ h, y, a }) => ({ z, x, h, y, a }));
  for (const [t, rows] of chunks.entries()) await solveChunk(chain.key.circuit, rows, inputs[t]!);
  const name = pick(random, ["h", "y", "a"] as const);
  const wrong = { ...inputs.at(-1)!, [name]: mod(inputs.at(-1)![name] + 1n) };
  assert.equal(await outcome(solveChunk(chain.key.circuit, chunks.at(-1)!, wrong)), "CHUNK_WITNESS", `another ${name}`);
  return chunks.length + 1;
}

/** Ways to get a false settlement past the contract; `undefined` where the case has no room for it. */
const FORGERIES: Record<string, (of: Case, honest: Forged) => Promise<Forged | undefined> | Forged | undefined> = {
  "a total more": (of) => {
    const c = below(of.random, of.totals.length);
    return settlement(of, { totals: of.totals.with(c, of.totals[c]! + 1n) });
  },
  "totals moved": (of) => {
    const [from, to] = [below(of.random, of.totals.length), below(of.random, of.totals.length)];
    const amount = of.totals[from]!;
    if (from === to || amount === 0n) return undefined;
    return settlement(of, { totals: of.totals.with(to, of.totals[to]! + amount).with(from, 0n) });
  },
  "a score of another row's size": (of) => {
    const { chunkRows } = of.chain.verifying;
    const row = below(of.random, of.scores.length);
    const score = of.scores[row]! === 65_535 ? 65_534 : pick(of.random, [65_535, of.scores[row]! + 1]);
    const scores = of.scores.with(row, score);
    const { counts } = of.prepared.committed;
    return settlement(of, { chunks: buildWitness(scores, counts, chunkRows), totals: totalsOf(scores, counts) });
  },
  "a flag moved": (of) => {
    const { counts } = of.prepared.committed;
    const from = counts.findIndex((count, c) => c + 1 < counts.length && count > 1);
    if (from < 0) return undefined;
    const moved = counts.with(from, counts[from]! - 1).with(from + 1, counts[from + 1]! + 1);
    const chunks = buildWitness(of.scores, moved, of.chain.verifying.chunkRows);
    return settlement(of, { chunks, totals: totalsOf(of.scores, moved) });
  },
  "padding with a score": (of) => {
    const [last, padded] = [of.chunks.length - 1, of.chunks.at(-1)!.scores.length];
    const room = of.chunks.length * padded - of.scores.length;
    if (room === 0) return undefined;
    const scores = of.chunks[last]!.scores.with(padded - 1 - below(of.random, room), 1 + below(of.random, 65_535));
    return settlement(of, { chunks: of.chunks.with(last, { ...of.chunks[last]!, scores }) });
  },
  "chunks swapped": (of) => {
    const [a, b] = [below(of.random, of.chunks.length), below(of.random, of.chunks.length)];
    const [first, second] = [of.chunks[a]!, of.chunks[b]!];
    const same = first.scores.every((s, i) => s === second.scores[i] && first.flags[i] === second.flags[i]);
    return same ? undefined : settlement(of, { chunks: of.chunks.with(a, second).with(b, first) });
  },
  "a chunk twice": (of) => {
    if (of.chunks.length === 1) return undefined;
    const [first, second] = of.chunks as [Chunk, Chunk];
    const same = first.scores.every((s, i) => s === second.scores[i] && first.flags[i] === second.flags[i]);
    return same ? undefined : settlement(of, { chunks: of.chunks.with(1, first) });
  },
  "a chunk dropped or added": (of, { statement, proof }) => {
    const chunks = of.random() < 0.5 ? proof.chunks.slice(1) : [...proof.chunks, proof.chunks[0]!];
    return { statement, proof: { ...proof, chunks } };
  },
  "a chunk of another settlement": async (of, { statement, proof }) => {
    const other = await settlement({ ...of, prepared: of.prepared }, { totals: of.totals.map((total) => total + 1n) });
    return { statement, proof: { ...proof, chunks: [other.proof.chunks[0]!, ...proof.chunks.slice(1)] } };
  },
  "a value changed": (of, { statement, proof }) => {
    const t = below(of.random, proof.chunks.length);
    const name = pick(of.random, ["h", "y", "a"] as const);
    const by = pick(of.random, [1n, R - 1n, element(of.random)]);
    return { statement, proof: withChunk(proof, t, { [name]: mod(proof.chunks[t]![name] + by) }) };
  },
  "a value of r or more": (of, { statement, proof }) => {
    const t = below(of.random, proof.chunks.length);
    const name = pick(of.random, ["h", "y", "a"] as const);
    return { statement, proof: withChunk(proof, t, { [name]: proof.chunks[t]![name] + R }) };
  },
  "a point changed": (of, { statement, proof }) => {
    const t = below(of.random, proof.chunks.length);
    const other: G1 = pick(of.random, [
      [1n, 2n],
      [0n, 0n],
      [1n, 1n],
    ] as G1[]);
    const place = pick(of.random, ["pA", "pC", "opening"] as const);
    // The opening of a single row is infinity already.
    if (place === "opening" && other.every((value, i) => value === proof.opening[i])) return undefined;
    const changed: SettlementProof =
      place === "opening" ? { ...proof, opening: other } : withChunk(proof, t, { [place]: other });
    return { statement, proof: changed };
  },
  "another transcript": (of, { statement, proof }) => {
    const changes: Partial<SettlementStatement>[] = [
      { epochId: statement.epochId + 1n },
      { prover: of.chain.owner.address },
      { floorUnits: statement.floorUnits + 1n },
    ];
    return { statement: { ...statement, ...pick(of.random, changes) }, proof };
  },
  "another Q": (of, { statement, proof }) => {
    const j = below(of.random, of.query.length);
    return {
      statement: { ...statement, q: of.query.with(j, of.query[j]! > 0 ? of.query[j]! - 1 : of.query[j]! + 1) },
      proof,
    };
  },
  "totals of another length": (of, { statement, proof }) => {
    const { totals } = statement;
    const wrong = of.random() < 0.5 ? totals.subarray(8) : new Uint8Array([...totals, ...new Uint8Array(8)]);
    return { statement: { ...statement, totals: wrong }, proof };
  },
};

/**
 * One random model with `queries` settlements of it, each as it is and forged; adds to `tally`.
 * @throws AssertionError that names seed, index and case, where two of the four disagree
 */
export async function fuzzModel(
  world: Attribution,
  seed: number,
  index: number,
  queries: number,
  tally: Tally,
): Promise<void> {
  const random = seeded(Number(BigInt(words([seed, index])) % 2n ** 32n));
  const { chain, prepared } = await randomModel(world, random);
  const { committed } = prepared;
  for (let number = 0; number < queries; number++) {
    const query = randomQuery(random, committed.columns.length / 64);
    const scores = scoreRows(committed.sketches, query);
    const chunks = buildWitness(scores, committed.counts, chain.verifying.chunkRows);
    const of: Case = { chain, prepared, query, scores, chunks, totals: totalsOf(scores, committed.counts), random };
    const name = `seed ${seed}, model ${index}, query ${number}`;
    const honest = await settlement(of);
    compare(of, honest);
    const zero = honest.statement.scoreCommitment.every((coordinate) => coordinate === 0n);
    assert.equal(await asked(chain, honest), zero ? "VerifierZeroScores" : "ok", name);
    tally.cases++;
    if (zero) continue;
    const claim = { counts: committed.counts, flags: committed.flags, key: chain.verifying, tauG2: chain.srs.tauG2 };
    await checkSettlement({ statement: honest.statement, ...claim }, honest.proof);
    if (chain.verifying.chunkRows === CIRCUIT_ROWS) tally.chunks += await solve(of, honest);

    let kind: string;
    let forged: Forged | undefined;
    do forged = await FORGERIES[(kind = pick(random, Object.keys(FORGERIES)))]!(of, honest);
    while (forged === undefined);
    const reason = await asked(chain, forged);
    assert.notEqual(reason, "ok", `${name}: ${kind}`);
    tally.refused[reason] = (tally.refused[reason] ?? 0) + 1;
    tally.forgeries[kind] = (tally.forgeries[kind] ?? 0) + 1;

    // Several transactions each: one case in eight.
    if (random() < 0.125) {
      assert.equal(await askedByStage(chain, honest, random), "ok", `${name}, by a stage`);
      assert.notEqual(await askedByStage(chain, forged, random), "ok", `${name}: ${kind}, by a stage`);
      tally.staged++;
    }

    // The reference takes a second for its pairings: one case in forty.
    if (random() < 0.025) {
      assert.deepEqual(reference.referenceVerdict(referenceInput(of, honest)), { ok: true }, name);
      const verdict = reference.referenceVerdict(referenceInput(of, forged));
      assert.deepEqual(verdict, { ok: false, reason }, `${name}: ${kind}`);
      tally.verdicts++;
    }
  }
}
