import { expect } from "chai";
import { devSrs } from "../../circuits/setup/dev.ts";
import { checkTotals } from "../../prover/experimental/check.ts";
import { type Domain, devDomain } from "../../prover/experimental/domain.ts";
import { type PlonkSettlement, proveTotals } from "../../prover/experimental/prove.ts";
import type { PlonkProof, PlonkStatement } from "../../prover/experimental/transcript.ts";
import { combineColumns, commitColumns, commitFlags } from "../../prover/kzg.ts";
import { scoreRows, totalsOf } from "../../sdk/scores.ts";
import {
  BAD_POINTS,
  claimOf,
  columnForgeries,
  type Forged,
  forge,
  notCanonical,
  paddingForgeries,
  rangeForgeries,
  type Subject,
  WRONG_POINTS,
  weakened,
  weakForgeries,
  withPoints,
  withScalars,
} from "../support/plonk.ts";
import { integers, outcome, seeded } from "./samples.ts";

const K = 16;
const address = (digit: string) => `0x${digit.repeat(40)}`;
const hash = (digit: string) => `0x${digit.repeat(64)}`;

describe("experimental argument", function () {
  this.timeout(120_000);
  const random = seeded(8);
  const query = Int8Array.from(integers(random, K, 110));
  let domain: Domain;
  let subject: Subject;
  let honest: PlonkSettlement;

  async function subjectOf(counts: number[], sketches: Int8Array, asked = query): Promise<Subject> {
    const srs = await devSrs(2 ** 11);
    const committed = {
      counts,
      sketches,
      columns: await commitColumns(sketches, K, srs),
      flags: await commitFlags(counts, srs),
    };
    const context = {
      splitter: address("1"),
      chainId: 31337n,
      verifier: address("2"),
      vkId: domain.id,
      commitmentId: hash("3"),
      epochId: 3n,
      prover: address("4"),
      floorUnits: 5n,
    };
    return { committed, query: asked, context, domain: { ...domain, srs } };
  }
  const sample = (rows: number) => Int8Array.from(integers(random, rows * K, 34));
  const prove = ({ committed, query: q, context, domain: d }: Subject) => proveTotals(committed, q, context, d);
  const check = (statement: PlonkStatement, proof: PlonkProof, of = subject) =>
    outcome(checkTotals(claimOf(of, statement), proof));

  async function allRefused(forgeries: AsyncIterable<Forged>, of = subject) {
    let count = 0;
    for await (const { name, statement, proof } of forgeries) {
      expect(await check(statement, proof, of), name).to.equal("PLONK_PROOF");
      count++;
    }
    return count;
  }

  before(async () => {
    domain = await devDomain(8);
    subject = await subjectOf([40, 1, 60, 99], sample(200));
    honest = await prove(subject);
  });

  it("proves the totals of any layout", async () => {
    for (const counts of [[1], [256], [255], [1, 1, 1], [128, 128], Array<number>(256).fill(1)]) {
      const rows = counts.reduce((sum, count) => sum + count, 0);
      const one = await subjectOf(counts, sample(rows));
      const { totals } = await prove(one);
      expect(totals).to.deep.equal(totalsOf(scoreRows(one.committed.sketches, query), counts));
    }
  });

  it("proves scores at both ends of the range, and scores that are all negative", async () => {
    const ends = new Int8Array(3 * K);
    ends.set([127, 127, 127, 127, 8]);
    ends.set([-127, -127, -127, -127, -8], K);
    const asked = new Int8Array(K);
    asked.set([127, 127, 127, 127, 127, 3]);
    ends[5] = 1; // 4·127² + 8·127 + 3 = 65,535
    ends[K + 5] = -1;
    expect((await prove(await subjectOf([1, 1, 1], ends, asked))).totals).to.deep.equal([65_535n, 0n, 0n]);
  });

  it("refuses a score out of range, whatever its limbs are said to be", async () => {
    const sketches = new Int8Array(3 * K);
    sketches.set([127, 127, 127, 127, 8, 1], K);
    const asked = new Int8Array(K);
    asked.set([127, 127, 127, 127, 127, 4]);
    const above = await subjectOf([1, 1, 1], sketches, asked);
    expect(await outcome(prove(above))).to.equal("SCORE_RANGE");
    expect(await allRefused(rangeForgeries(above, 1), above)).to.equal(4);
  });

  it("refuses columns and totals that are not those of the commitment", async () => {
    expect(await allRefused(columnForgeries(subject))).to.equal(9);
  });

  it("refuses mass in padding, and columns of a degree above the domain's", async () => {
    const planted = await subjectOf([40, 60], sample(110));
    expect(await allRefused(paddingForgeries(planted), planted)).to.equal(3);
    const long = await subjectOf([40, 60], sample(300));
    expect(await allRefused(paddingForgeries(long), long)).to.equal(3);
  });

  it("refuses a proof for any other statement", async () => {
    const { statement, proof } = honest;
    const others: Partial<PlonkStatement>[] = [
      { splitter: address("9") },
      { chainId: 1n },
      { verifier: address("9") },
      { vkId: hash("9") },
      { commitmentId: hash("9") },
      { epochId: 4n },
      { prover: address("9") },
      { floorUnits: 6n },
      { q: statement.q.with(0, 1) },
      { totals: statement.totals.with(7, statement.totals[7]! ^ 1) },
      { scoreCommitment: await combineColumns(subject.committed.columns, statement.q.with(0, 1)) },
    ];
    expect(await check(statement, proof)).to.equal("accepted");
    for (const other of others)
      expect(await check({ ...statement, ...other }, proof), Object.keys(other)[0]).to.equal("PLONK_PROOF");
  });

  it("refuses values that are not canonical, and points that are not on the curve", async () => {
    const { statement, proof } = honest;
    for (const { name, proof: bad } of withScalars(proof, notCanonical))
      expect(await check(statement, bad), name).to.equal("PLONK_SHAPE");
    for (const [kind, point] of Object.entries(BAD_POINTS))
      for (const { name, proof: bad } of withPoints(proof, point))
        expect(await check(statement, bad), `${name} ${kind}`).to.equal("PLONK_POINT");
    expect(await check({ ...statement, totals: statement.totals.slice(8) }, proof)).to.equal("PLONK_SHAPE");
  });

  it("refuses a proof with one value or point changed", async () => {
    const { statement, proof } = honest;
    for (const { name, proof: bad } of withScalars(proof, (old) => old ^ 1n))
      expect(await check(statement, bad), name).to.equal("PLONK_PROOF");
    for (const [kind, point] of Object.entries(WRONG_POINTS))
      for (const { name, proof: bad } of withPoints(proof, point))
        expect(await check(statement, bad), `${name} ${kind}`).to.equal("PLONK_PROOF");
  });

  it("draws every challenge from everything before it", async () => {
    for (const [item, weak] of Object.entries(weakened(honest.statement, honest.proof))) {
      const { statement, proof } = await forge(subject, {}, weak);
      await checkTotals(claimOf(subject, statement), proof, weak);
      expect(await check(statement, proof), item).to.equal("PLONK_PROOF");
    }
  });

  it("refuses what passes where a challenge is drawn from less", async () => {
    const found: string[] = [];
    for await (const { name, statement, proof, weak } of weakForgeries(subject)) {
      await checkTotals(claimOf(subject, statement), proof, weak);
      expect(await check(statement, proof), name).to.equal("PLONK_PROOF");
      found.push(name);
    }
    expect(found).to.deep.equal(["multiplicities", "flags", "the quotient", "the values", "W"]);
  });
});
