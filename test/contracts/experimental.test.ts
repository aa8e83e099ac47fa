import { expect } from "chai";
import { network } from "hardhat";
import { checkTotals } from "../../prover/experimental/check.ts";
import { type Domain, devDomain, openTable } from "../../prover/experimental/domain.ts";
import { type PlonkSettlement, proveTotals } from "../../prover/experimental/prove.ts";
import { domainId, type PlonkProof, type PlonkStatement } from "../../prover/experimental/transcript.ts";
import { stopProver } from "../../prover/groth16.ts";
import { FIELD, int8Bytes } from "../../sdk/hash.ts";
import type { PlonkVerifier } from "../../types/ethers-contracts/index.ts";
import {
  type Attribution,
  deployAttribution,
  verifyArguments as groth16Arguments,
  type Prepared,
  registerModel,
  settle,
} from "../support/attribution.ts";
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
import { sampleQuery, sampleSketches, sparseQuery } from "../support/samples.ts";

describe("experimental PlonkVerifier", () => {
  let chain: Attribution;
  let verifier: PlonkVerifier;
  let domain: Domain;
  let subject: Subject;
  let honest: PlonkSettlement;

  async function deploy(): Promise<PlonkVerifier> {
    const deployed = await chain.ethers.deployContract("PlonkVerifier", [chain.registry, chain.verifier]);
    await deployed.registerDomain(domain.power, domain.table, await openTable(domain));
    return deployed;
  }

  async function subjectOf({ committed, commitmentId }: Prepared, query = sampleQuery(128)): Promise<Subject> {
    const context = {
      splitter: chain.splitter.address,
      chainId: (await chain.ethers.provider.getNetwork()).chainId,
      verifier: await verifier.getAddress(),
      vkId: domain.id,
      commitmentId,
      epochId: 3n,
      prover: chain.prover.address,
      floorUnits: 10n ** 15n,
    };
    return { committed, query, context, domain };
  }

  const prove = ({ committed, query, context, domain: d }: Subject) => proveTotals(committed, query, context, d);

  const verifyArguments = (s: PlonkStatement, proof: PlonkProof) =>
    [s.commitmentId, s.vkId, s.epochId, s.prover, s.floorUnits, int8Bytes(s.q), s.totals, proof] as const;

  const call = (s: PlonkStatement, proof: PlonkProof, at = verifier, from = chain.splitter) =>
    at.connect(from).verify(...verifyArguments(s, proof));

  /** Refused for the reason named; a curve precompile's refusal is an error of the shared library. */
  const refused = (asked: Promise<unknown>, reason: string, args: unknown[] = []) =>
    expect(asked)
      .to.be.revertedWithCustomError(reason.startsWith("Plonk") ? verifier : chain.verifier, reason)
      .withArgs(...args);

  async function allRefused(forgeries: AsyncIterable<Forged>) {
    let count = 0;
    for await (const { statement, proof } of forgeries) {
      await refused(call(statement, proof), "PlonkProofInvalid");
      count++;
    }
    return count;
  }

  before(async () => {
    chain = await deployAttribution(await network.create());
    domain = { ...(await devDomain(8)), srs: chain.srs };
    verifier = await deploy();
    subject = await subjectOf(
      await registerModel(chain, [
        [40, 1],
        [60, 99],
      ]),
    );
    honest = await prove(subject);
  });

  after(stopProver);

  it("accepts what the library proves, for any layout and width", async () => {
    await call(honest.statement, honest.proof);
    for (const [counts, k] of [
      [[256], 128],
      [[1], 128],
      [[128, 128], 256],
      [Array<number>(100).fill(2), 128],
    ] as const) {
      const model = await registerModel(chain, [[...counts]], k);
      const { statement, proof } = await prove(await subjectOf(model, sampleQuery(k)));
      await call(statement, proof);
    }
    const negative = await prove({ ...subject, query: sparseQuery(128, { 0: -100 }) });
    expect(negative.totals).to.deep.equal([0n, 0n, 0n, 0n]);
    await call(negative.statement, negative.proof);
  });

  it("costs less than a settlement by Groth16: 100 contributors, 128 columns", async () => {
    const model = await registerModel(chain, [Array<number>(100).fill(2)]);
    const { statement, proof } = await prove(await subjectOf(model));
    const present = await settle(chain, model);
    const used = async (request: object) => {
      const tx = await chain.splitter.sendTransaction({ ...request, gasLimit: 5_000_000 });
      return (await tx.wait())!.gasUsed;
    };
    const experimental = await verifier.verify.populateTransaction(...verifyArguments(statement, proof));
    const groth16 = await chain.verifier.verify.populateTransaction(
      ...groth16Arguments(present.statement, present.proof),
    );
    expect(await used(experimental)).to.be.below(await used(groth16));
  });

  describe("domains", () => {
    it("are registered by anyone who shows that the table is the table", async () => {
      const fresh = await chain.ethers.deployContract("PlonkVerifier", [chain.registry, chain.verifier]);
      for (const power of [8, 9, 11]) {
        const one = await devDomain(power);
        await expect(fresh.connect(chain.prover).registerDomain(power, one.table, await openTable(one)))
          .to.emit(fresh, "DomainRegistered")
          .withArgs(one.id, power, one.table);
      }
    });

    it("are refused otherwise", async () => {
      const fresh = await chain.ethers.deployContract("PlonkVerifier", [chain.registry, chain.verifier]);
      const opening = await openTable(domain);
      const other = await devDomain(9);
      for (const [power, table, w] of [
        [9, domain.table, opening],
        [8, other.table, opening],
        [8, domain.table, await openTable(other)],
        [8, [0n, 0n], [0n, 0n]],
      ] as const)
        await refused(fresh.registerDomain(power, [...table], [...w]), "PlonkTableNotProven");
      // The same opening for a table with one entry changed, and its own challenge.
      const changed = { ...domain, id: domainId(8, other.table, domain.srs.tauG2) };
      await refused(fresh.registerDomain(8, other.table, await openTable(changed)), "PlonkTableNotProven");
      for (const power of [0, 7, 29]) {
        await refused(fresh.registerDomain(power, domain.table, opening), "PlonkDomainPower", [power]);
      }
      await refused(verifier.registerDomain(8, domain.table, opening), "PlonkDomainExists", [domain.id]);
    });
  });

  it("refuses sizes and values that are not what they must be", async () => {
    const { statement, proof } = honest;
    const unknown = { ...statement, vkId: statement.commitmentId };
    await refused(call(unknown, proof), "PlonkUnknownDomain", [unknown.vkId]);
    const short = { ...statement, totals: statement.totals.slice(8) };
    await refused(call(short, proof), "PlonkTotalsLength", [24, 32]);
    const large = await subjectOf(await registerModel(chain, [[200, 57]]));
    const { statement: beyond } = await forge({ ...large, domain: await devDomain(9) });
    await refused(call(beyond, proof), "PlonkDomainTooSmall", [257, 256]);
    for (const { proof: bad } of withScalars(proof, notCanonical)) {
      const wrong = [bad.combined, ...bad.values].find((value) => value >= FIELD);
      await refused(call(statement, bad), "PlonkNotCanonical", [wrong]);
    }
    await refused(call({ ...statement, q: new Int8Array(128) }, proof), "PlonkZeroScores");
    await refused(call({ ...statement, q: statement.q.with(0, -128) }, proof), "VerifierQueryEntry", [0]);
    await refused(call({ ...statement, q: new Int8Array(128).fill(127) }, proof), "VerifierQueryNorm", [
      128 * 127 ** 2,
      480 ** 2,
    ]);
  });

  it("refuses points off the curve, and a proof with one value or point changed", async () => {
    const { statement, proof } = honest;
    for (const point of Object.values(BAD_POINTS))
      for (const { proof: bad } of withPoints(proof, point))
        await refused(call(statement, bad), "VerifierPrecompileFailed");
    for (const { proof: bad } of withScalars(proof, (old) => old ^ 1n))
      await refused(call(statement, bad), "PlonkProofInvalid");
    for (const point of Object.values(WRONG_POINTS))
      for (const { proof: bad } of withPoints(proof, point)) await refused(call(statement, bad), "PlonkProofInvalid");
  });

  it("refuses a proof for another epoch, prover, floor, query, total, domain, commitment, splitter, contract or chain", async () => {
    const { statement, proof } = honest;
    const twin = await registerModel(chain, [
      [40, 1],
      [60, 99],
    ]);
    const wider = await devDomain(9);
    await verifier.registerDomain(9, wider.table, await openTable(wider));
    for (const other of [
      { epochId: 4n },
      { prover: chain.owner.address },
      { floorUnits: 0n },
      { q: statement.q.with(0, 1) },
      { totals: statement.totals.with(7, statement.totals[7]! ^ 1) },
      { vkId: wider.id },
      { commitmentId: twin.commitmentId },
    ])
      await refused(call({ ...statement, ...other }, proof), "PlonkProofInvalid");
    await refused(call(statement, proof, verifier, chain.owner), "PlonkProofInvalid");
    await refused(call(statement, proof, await deploy()), "PlonkProofInvalid");
    const elsewhere = await prove({ ...subject, context: { ...subject.context, chainId: 1n } });
    await refused(call(elsewhere.statement, elsewhere.proof), "PlonkProofInvalid");
  });

  it("refuses columns and totals that are not those of the commitment", async () => {
    expect(await allRefused(columnForgeries(subject))).to.equal(9);
  });

  it("refuses mass in padding, and columns of a degree above the domain's", async () => {
    for (const rows of [110, 300]) {
      const planted = await registerModel(chain, [[40, 60]], 128, sampleSketches(rows, 128));
      const query = sparseQuery(128, { 0: 100 });
      expect(await allRefused(paddingForgeries(await subjectOf(planted, query)))).to.equal(3);
    }
  });

  it("refuses a score out of range, whatever its limbs are said to be", async () => {
    const sketches = new Int8Array(3 * 128);
    sketches.set([127, 127, 127, 127, 8, 1], 128);
    const query = sparseQuery(128, { 0: 127, 1: 127, 2: 127, 3: 127, 4: 127, 5: 4 });
    const above = await subjectOf(await registerModel(chain, [[1, 1, 1]], 128, sketches), query);
    expect(await allRefused(rangeForgeries(above, 1))).to.equal(4);
  });

  it("draws every challenge from everything before it", async () => {
    for (const weak of Object.values(weakened(honest.statement, honest.proof))) {
      const { statement, proof } = await forge(subject, {}, weak);
      await refused(call(statement, proof), "PlonkProofInvalid");
    }
  });

  it("refuses what passes where a challenge is drawn from less", async () => {
    for await (const { statement, proof, weak } of weakForgeries(subject)) {
      await checkTotals(claimOf(subject, statement), proof, weak);
      await refused(call(statement, proof), "PlonkProofInvalid");
    }
  });
});
