import { expect } from "chai";
import { wtns } from "snarkjs";
import { type CompiledCircuit, compileCircuit } from "../../circuits/compile.ts";
import { BLOCK_ROWS, fitsDomain, INSTANCES } from "../../circuits/instances.ts";
import { type ConstraintSystem, readR1cs, type Terms } from "../../circuits/setup/r1cs.ts";
import { type ChunkStatement, solveChunk } from "../../prover/groth16.ts";
import { type Chunk, evaluateChunk, hashChunk } from "../../prover/witness.ts";
import { mod } from "../../sdk/hash.ts";
import { element, outcome, randomChunk, seeded } from "../prover/samples.ts";

async function honest(chunk: Chunk, z: bigint, x: bigint): Promise<ChunkStatement> {
  return { z, x, h: await hashChunk(chunk), ...evaluateChunk(chunk, z, x) };
}

describe("attribution circuit", function () {
  this.timeout(120_000);
  const random = seeded(1);
  const [z, x] = [element(random), element(random)];
  let circuit: CompiledCircuit;
  let chunk: Chunk;
  let statement: ChunkStatement;

  before(async () => {
    circuit = await compileCircuit(INSTANCES.r210);
    chunk = randomChunk(random, 210);
    statement = await honest(chunk, z, x);
  });

  const changed = (change: (copy: Chunk) => void): Chunk => {
    const copy = { scores: chunk.scores.slice(), flags: chunk.flags.slice() };
    change(copy);
    return copy;
  };

  it("costs 25.0 constraints a row, and every instance fits its domain", async () => {
    const count = async (instance: (typeof INSTANCES)["r210" | "r1260"]) =>
      readR1cs((await compileCircuit(instance)).r1cs).constraints;
    const block = await count(INSTANCES.r210);
    expect(block / BLOCK_ROWS).to.be.within(24.9, 25);
    expect(await count(INSTANCES.r1260)).to.equal(6 * block);
    for (const instance of Object.values(INSTANCES)) {
      const constraints = (block * instance.rows) / BLOCK_ROWS;
      expect(fitsDomain(instance, constraints), instance.name).to.equal(true);
      expect(fitsDomain({ ...instance, domainPower: instance.domainPower - 1 }, constraints)).to.equal(false);
    }
  });

  it("agrees with plain TypeScript on random chunks of one and of six blocks", async () => {
    for (const instance of [INSTANCES.r210, INSTANCES.r210, INSTANCES.r1260]) {
      const sample = randomChunk(random, instance.rows);
      const compiled = await compileCircuit(instance);
      expect(
        await outcome(solveChunk(compiled, sample, await honest(sample, element(random), element(random)))),
      ).to.equal("accepted");
    }
  });

  it("takes z, x, h, y, a as its public inputs, in this order", async () => {
    const solved = await wtns.exportJson(await solveChunk(circuit, chunk, statement));
    const { h, y, a } = statement;
    expect(solved.slice(0, 6)).to.deep.equal([1n, z, x, h, y, a]);
  });

  it("accepts scores at both ends of the range, and a flag on the first row", async () => {
    const sample = changed(({ scores, flags }) => {
      scores.set([-(2 ** 16), 2 ** 16 - 1, 0, -1]);
      flags[0] = 1;
    });
    expect(await outcome(solveChunk(circuit, sample, await honest(sample, z, x)))).to.equal("accepted");
  });

  it("rejects a score outside [-2^16, 2^16), whatever h, y and a say", async () => {
    for (const score of [2 ** 16, -(2 ** 16) - 1, 2 ** 30]) {
      const sample = changed(({ scores }) => scores.fill(score, 5, 6));
      expect(await outcome(solveChunk(circuit, sample, await honest(sample, z, x)))).to.equal("CHUNK_WITNESS");
    }
  });

  it("rejects a flag that is not 0 or 1", async () => {
    const sample = changed(({ flags }) => flags.fill(2, 7, 8));
    expect(await outcome(solveChunk(circuit, sample, await honest(sample, z, x)))).to.equal("CHUNK_WITNESS");
  });

  it("rejects a wrong h, y or a, and rows other than those hashed", async () => {
    for (const name of ["h", "y", "a"] as const) {
      const wrong = { ...statement, [name]: mod(statement[name] + 1n) };
      expect(await outcome(solveChunk(circuit, chunk, wrong)), name).to.equal("CHUNK_WITNESS");
    }
    const other = changed(({ scores }) => {
      scores[9] = scores[9]! ^ 1;
    });
    const values = { ...statement, ...evaluateChunk(other, z, x) };
    expect(await outcome(solveChunk(circuit, other, values))).to.equal("CHUNK_WITNESS");
  });

  it("constrains every signal: changing any one alone breaks a constraint", async () => {
    const system = readR1cs(circuit.r1cs);
    const solved = await wtns.exportJson(await solveChunk(circuit, chunk, statement));
    const touching = constraintsBySignal(system);
    const holds = (constraint: number) =>
      mod(dot(system.a, constraint, solved) * dot(system.b, constraint, solved) - dot(system.c, constraint, solved)) ===
      0n;
    expect(Array.from({ length: system.constraints }, (_, c) => c).every(holds)).to.equal(true);

    const free: number[] = [];
    for (let signal = 1; signal < system.signals; signal++) {
      const value = solved[signal]!;
      for (const other of [value + 1n, 1n - value, -value, element(random)].map(mod)) {
        if (other === value) continue;
        solved[signal] = other;
        if (touching[signal]!.every(holds)) free.push(signal);
      }
      solved[signal] = value;
    }
    expect(free).to.deep.equal([]);
  });
});

function dot(terms: Terms, constraint: number, signals: bigint[]): bigint {
  let sum = 0n;
  for (let i = terms.start[constraint]!; i < terms.start[constraint + 1]!; i++) {
    sum += terms.value[i]! * signals[terms.signal[i]!]!;
  }
  return mod(sum);
}

function constraintsBySignal(system: ConstraintSystem): number[][] {
  const found = Array.from({ length: system.signals }, () => new Set<number>());
  for (const terms of [system.a, system.b, system.c]) {
    for (let c = 0; c < system.constraints; c++) {
      for (let i = terms.start[c]!; i < terms.start[c + 1]!; i++) found[terms.signal[i]!]!.add(c);
    }
  }
  return found.map((set) => [...set]);
}
