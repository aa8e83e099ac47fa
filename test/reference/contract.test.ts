// The contracts and the reference, asked the same questions.

import { expect } from "chai";
import {
  deploy,
  k,
  keyVerdictOf,
  prepare,
  type Registration,
  register,
  registerKey,
  registrationVerdict,
  settlementVerdict,
  type World,
} from "./contracts.ts";
import { developmentScalar, InvalidPoint, type Point1, p, r, times1, times2, words1, words2 } from "./curve.ts";
import { bytes, type Num } from "./encoding.ts";
import { forgeries, outsideGroup } from "./forgeries.ts";
import { positionalProof, positionalRoot } from "./merkle.ts";
import { ownershipHolds } from "./registration.ts";
import { keyVerdict, referenceVerdict, scoreCommitment, type Verdict } from "./settlement.ts";
import { commitFlags, type Model, openFlags, simulatedKey, simulateSettlement, tauG2 } from "./simulate.ts";
import { type Sums, sumLeaves, sumsHold } from "./sums.ts";

/** int8 rows and a query within the norms, the same each time. */
function model(seed: number, counts: number[], R: number): Model {
  const entry = (i: number, j: number): number => ((i * 131 + j * 71 + seed * 17 + i * i * j) % 23) - 11;
  const rows = counts.reduce((a, b) => a + b);
  return {
    G: Array.from({ length: rows }, (_, i) => Array.from({ length: k }, (_, j) => (j === 5 ? 0 : entry(i, j)))),
    Q: Array.from({ length: k }, (_, j) => 3 * entry(77, j)),
    counts,
    R,
  };
}

const notProven: Verdict = { ok: false, reason: "RegistryOwnershipNotProven" };
const noPoint: Verdict = { ok: false, reason: "RegistryInvalidPoint" };

function ownershipVerdict(rd: Num, counts: Num[], flags: Point1, opening: Point1): Verdict {
  try {
    return ownershipHolds(rd, counts, flags, opening, tauG2) ? { ok: true } : notProven;
  } catch (error) {
    if (error instanceof InvalidPoint) return noPoint;
    throw error;
  }
}

function sumsVerdict(rd: Num, rows: number, { columns, baseWeights, sums }: Registration): Verdict {
  try {
    return sumsHold(rd, rows, baseWeights, columns, sums, tauG2)
      ? { ok: true }
      : { ok: false, reason: "RegistrySumsNotProven" };
  } catch (error) {
    if (error instanceof InvalidPoint) return noPoint;
    throw error;
  }
}

describe("reference: beside the contracts", function () {
  this.timeout(120_000);
  let world: World;

  before(async () => {
    world = await deploy();
  });

  for (const [counts, R] of [
    [[1, 7, 3], 4],
    [[5], 6],
  ] as [number[], number][]) {
    it(`agree on a settlement of rows ${counts} in chunks of ${R}, and on every forgery of it`, async () => {
      const shape = model(R, counts, R);
      const { rd, registration, versionHashes, expected } = await prepare(world, shape);
      expect(versionHashes).to.deep.equal(expected);
      await registerKey(world, simulatedKey(R));
      await register(world, registration);
      expect(await world.registry.commitmentOf(registration.modelId)).to.equal(rd);

      const honest = simulateSettlement(
        shape,
        {},
        { verifier: await world.verifier.getAddress(), splitter: world.splitter.address, commitmentId: rd },
      );
      const own = words1(scoreCommitment(honest.commitment.columns, honest.q));
      expect(await world.verifier.scoreCommitment(rd, honest.q as string)).to.deep.equal(own);
      expect(referenceVerdict(honest)).to.deep.equal({ ok: true });
      expect(await settlementVerdict(world, honest)).to.deep.equal({ ok: true });
      for (const { name, input, reason } of forgeries(honest)) {
        expect(referenceVerdict(input)).to.deep.equal({ ok: false, reason }, name);
        expect(await settlementVerdict(world, input)).to.deep.equal({ ok: false, reason }, name);
      }
    });
  }

  it("agree on which registrations show ownership", async () => {
    const counts = [2, 4, 3];
    const { rd, idOf, registration } = await prepare(world, model(1, counts, 4));
    const [x, y] = registration.opening as [bigint, bigint];
    const moved = commitFlags([3, 3, 3]);
    const cases: [Partial<Registration>, Verdict][] = [
      [{}, { ok: true }],
      [{ opening: words1(times1(5n)) }, notProven],
      [{ opening: [0n, 0n] }, notProven],
      [{ opening: [1n, 3n] }, noPoint],
      [{ opening: [x, y + p] }, noPoint],
      [{ flags: [1n, 3n] }, noPoint],
      [{ flags: [0n, 0n] }, notProven],
      [{ flags: moved }, notProven],
      [{ flags: moved, opening: openFlags(idOf(moved), [3, 3, 3]) }, notProven],
    ];
    for (const [change, verdict] of cases) {
      const { flags, opening } = { ...registration, ...change };
      expect(ownershipVerdict(idOf(flags), counts, flags, opening)).to.deep.equal(verdict);
      expect(await registrationVerdict(world, { ...registration, ...change })).to.deep.equal(verdict);
    }
    expect(idOf(registration.flags)).to.equal(rd);

    const columns = bytes(registration.columns);
    for (const at of [0, 63, columns.length - 1]) {
      const broken = { ...registration, columns: columns.with(at, columns[at]! ^ 1) };
      expect(await registrationVerdict(world, broken)).to.deep.equal(noPoint);
    }
  });

  it("agree on which registrations show that the columns commit what the sums add up to", async () => {
    const counts = [2, 4, 3];
    const { rd, registration } = await prepare(world, model(2, counts, 4));
    const { sums } = registration;
    const [x, y] = sums.opening as [bigint, bigint];
    const unproven: Verdict = { ok: false, reason: "RegistrySumsNotProven" };
    const other = words1(times1(5n));
    const base = registration.baseWeights.reduce((a, b) => a + b);
    const zeros = Array.from({ length: 9 }, () => 0n);
    const leaves = sumLeaves([...zeros, BigInt(sums.total) + r], [...zeros, base]);
    const unreduced = {
      root: positionalRoot(leaves),
      total: BigInt(sums.total) + r,
      proof: positionalProof(leaves, 9),
    };
    const cases: [Partial<Sums>, Verdict][] = [
      [{}, { ok: true }],
      [{ total: BigInt(sums.total) + 1n }, unproven],
      [{ root: sums.proof[0]! }, unproven],
      [{ proof: sums.proof.slice(1) }, unproven],
      [{ proof: [...sums.proof, sums.root] }, unproven],
      [{ opening: other }, unproven],
      [{ opening: [x, y + p] }, noPoint],
      [{ opening: [1n, 3n] }, noPoint],
      [unreduced, unproven],
    ];
    for (const [change, verdict] of cases) {
      const changed = { ...registration, sums: { ...sums, ...change } };
      expect(sumsVerdict(rd, 9, changed)).to.deep.equal(verdict);
      expect(await registrationVerdict(world, changed)).to.deep.equal(verdict);
    }
    // Columns of other rows: every other check passes, since the flags do not depend on the columns' content.
    // Base weights: what they add up to stands beside the last sum; which is whose is disputed, not shown here.
    const [first, ...others] = registration.baseWeights;
    for (const weight of [first! - 1n, first! + 1n]) {
      const changed = { ...registration, baseWeights: [weight, ...others] };
      expect(sumsVerdict(rd, 9, changed)).to.deep.equal(unproven);
    }
    const liar = await prepare(world, model(2, counts, 4), model(3, counts, 4).G);
    expect(sumsVerdict(liar.rd, 9, liar.registration)).to.deep.equal(unproven);
    expect(await registrationVerdict(world, liar.registration)).to.deep.equal(unproven);
  });

  it("agree on which keys can be registered, on the development chain and elsewhere", async () => {
    const elsewhere = await deploy(1);
    const sound = simulatedKey(9);
    const generator = words2(times2(1n));
    for (const key of [
      sound,
      { ...sound, gamma2: sound.delta2 },
      { ...sound, delta2: generator },
      { ...sound, chunkRows: 0 },
      { ...sound, alpha1: words1(times1(developmentScalar("alpha"))) },
      { ...sound, delta2: words2(times2(developmentScalar("delta"))) },
      { ...sound, alpha1: [1, 3] as const },
      { ...sound, beta2: outsideGroup },
      { ...sound, delta2: outsideGroup },
      { ...sound, ic: sound.ic.with(5, [p, 0]) },
    ]) {
      expect(await keyVerdictOf(world, key)).to.deep.equal(keyVerdict(key, tauG2, 31337));
      expect(await keyVerdictOf(elsewhere, key)).to.deep.equal(keyVerdict(key, tauG2, 1));
    }
  });
});
