import { expect } from "chai";
import { compileCircuit } from "../../circuits/compile.ts";
import { BLOCK_ROWS, INSTANCES } from "../../circuits/instances.ts";
import { type ConstraintSystem, readR1cs } from "../../circuits/setup/r1cs.ts";
import { element, seeded } from "../prover/samples.ts";
import { determined } from "./determinism.ts";

const [Z, X] = [1, 2]; // signal 0 is the constant 1; then z, x, h, y, a, the scores and the flags
const PUBLIC = 5;
const ROWS = Array.from({ length: 2 * BLOCK_ROWS }, (_, i) => PUBLIC + 1 + i);

describe("attribution circuit: nothing is left to choose", function () {
  this.timeout(120_000);
  let system: ConstraintSystem;
  let packed: number[]; // the 15 elements that are hashed

  before(async () => {
    system = readR1cs((await compileCircuit(INSTANCES.r210)).r1cs);
    packed = [];
    for (let c = 0; c < system.constraints; c++) {
      if (system.a.start[c] !== system.a.start[c + 1] || system.b.start[c] !== system.b.start[c + 1]) continue;
      const signals = system.c.signal.slice(system.c.start[c], system.c.start[c + 1]);
      if (ROWS.filter((row) => signals.includes(row)).length === 28)
        packed.push(...signals.filter((signal) => signal > ROWS.at(-1)!));
    }
  });

  it("scores, flags, z and x determine every other signal, h, y and a among them", () => {
    const { by, free } = determined(system, [Z, X, ...ROWS]);
    expect(free).to.deep.equal([]);
    expect(by.digits).to.equal(16 * BLOCK_ROWS);
    expect(by.product + by.digits + ROWS.length + 3).to.equal(system.signals);
  });

  it("what is hashed, with z and x, determines every signal: scores and flags are its digits", () => {
    expect(packed.length).to.equal(15);
    const { by, ranged, free } = determined(system, [Z, X, ...packed]);
    expect(free).to.deep.equal([]);
    expect(by.digits).to.equal(18 * BLOCK_ROWS); // 16 bits, the score and the flag of each row
    expect(ranged).to.equal(18 * BLOCK_ROWS);
    expect(by.product + by.digits + packed.length + 3).to.equal(system.signals);
  });

  it("no constraint can be left out: each of 60 is needed, whichever they are", () => {
    const random = seeded(7);
    for (let i = 0; i < 60; i++) {
      const leftOut = Number(element(random) % BigInt(system.constraints));
      expect(determined(system, [Z, X, ...packed], leftOut).free, `constraint ${leftOut}`).not.to.deep.equal([]);
    }
  });

  it("without the hashed elements, rows are free", () => {
    expect(determined(system, [Z, X, 3, 4, 5]).free).to.include.members(ROWS);
  });
});
