import { expect } from "chai";
import { network } from "hardhat";
import { Bn254 } from "../../circuits/bn254.ts";
import { inverses, power } from "../../circuits/field.ts";
import { proveChunk, stopProver } from "../../prover/groth16.ts";
import { linearCombination } from "../../prover/kzg.ts";
import { openCombined } from "../../prover/settlement.ts";
import { buildWitness, type Chunk, evaluateChunk } from "../../prover/witness.ts";
import { OpenLedgerError } from "../../sdk/errors.ts";
import { challenge, type G1, type G2, mod, BASE_FIELD as P, FIELD as R, words } from "../../sdk/hash.ts";
import { scoreRows } from "../../sdk/scores.ts";
import {
  type ChunkProof,
  DEVELOPMENT,
  encodeTotals,
  foldingChallenge,
  type SettlementProof,
  type SettlementStatement,
  settlementChallenges,
} from "../../sdk/transcript.ts";
import {
  type Attribution,
  deployAttribution,
  mintModel,
  type Prepared,
  prepareRegistration,
  registerModel,
  registrationArgument,
  verify,
  verifyArguments,
} from "../support/attribution.ts";
import { type Forged, forge, holdsUnder, truth, withChunk } from "../support/forger.ts";
import { EQUAL_COLUMNS, sampleQuery, sampleSketches, sparseQuery, ZERO_COLUMN } from "../support/samples.ts";

const inverse = (value: bigint): bigint => inverses([mod(value)])[0]!;

/*
 * Every check of the settlement proof has a test that starts with its number in docs/protocol.md. Each starts from
 * something that the contract accepts and changes one thing; where the attacker would derive challenges again, so
 * does the test. The development keys' secrets are used only where a test says so.
 */
describe("forgeries", () => {
  let chain: Attribution;
  let one: Prepared; // one chunk, padding
  let two: Prepared; // two chunks, a contributor in both, padding
  let three: Prepared; // three full chunks; contributors start on both borders
  let honest: { one: Forged; two: Forged; three: Forged };

  before(async () => {
    chain = await deployAttribution(await network.create());
    one = await registerModel(chain, [[3, 40, 17, 60]]);
    two = await registerModel(chain, [[100, 150, 1, 49]]);
    three = await registerModel(chain, [[100, 110, 210, 210]]);
    honest = { one: await forge(chain, one), two: await forge(chain, two), three: await forge(chain, three) };
    for (const { statement, proof } of Object.values(honest)) await verify(chain, statement, proof);
  });
  after(stopProver);

  const refused = (statement: SettlementStatement, proof: SettlementProof, error: string) =>
    expect(verify(chain, statement, proof)).to.be.revertedWithCustomError(chain.verifier, error);

  async function noWitness(proving: Promise<unknown>) {
    const error = await proving.then(
      () => undefined,
      (cause: unknown) => cause,
    );
    expect(error).to.be.instanceOf(OpenLedgerError).with.property("code", "CHUNK_WITNESS");
  }

  describe("#1 everything in sd is hashed before z and x", () => {
    const other = "0x00000000000000000000000000000000000000ff";
    const [left, right] = EQUAL_COLUMNS;
    const changes: Record<string, (s: SettlementStatement) => Partial<SettlementStatement>> = {
      splitter: () => ({ splitter: other }),
      chain: () => ({ chainId: 1n }),
      verifier: () => ({ verifier: other }),
      vkId: () => ({ vkId: words([1]) }),
      commitment: () => ({ commitmentId: two.commitmentId }),
      epoch: (s) => ({ epochId: s.epochId + 1n }),
      prover: () => ({ prover: other }),
      floorUnits: (s) => ({ floorUnits: s.floorUnits + 1n }),
      // Equal columns change places: C_s stays the same.
      Q: (s) => ({ q: s.q.with(left, s.q[right]! + 1).with(right, s.q[left]! - 1) }),
      C_s: () => ({ scoreCommitment: [1n, 2n] }),
      totals: (s) => ({ totals: s.totals.with(0, 1) }),
      h: (s) => ({ h: [s.h[0]! + 1n] }),
    };

    for (const [item, change] of Object.entries(changes))
      it(`#1 ${item}`, async () => {
        const { statement, proof } = await forge(chain, one, {
          challenges: (s) => settlementChallenges({ ...s, ...change(s) }),
        });
        await refused(statement, proof, "VerifierTotalsMismatch");
      });

    it("#1 a proof copied for another prover or epoch", async () => {
      const { statement, proof } = honest.one;
      await refused({ ...statement, prover: other }, proof, "VerifierTotalsMismatch");
      await refused({ ...statement, epochId: 4n }, proof, "VerifierTotalsMismatch");
      await expect(
        chain.verifier.connect(chain.owner).verify(...verifyArguments(statement, proof)),
      ).to.be.revertedWithCustomError(chain.verifier, "VerifierTotalsMismatch");
    });
  });

  describe("#2 challenges and public values", () => {
    it("#2 z = x", async () => {
      const { statement, proof } = await forge(chain, one, {
        challenges: (s) => {
          const { z } = settlementChallenges(s);
          return { z, x: z };
        },
      });
      await refused(statement, proof, "VerifierTotalsMismatch");
    });

    for (const name of ["h", "y", "a"] as const)
      it(`#2 ${name} that is not below the field's order`, async () => {
        const { statement, proof } = honest.two;
        const value = proof.chunks[1]![name] + R;
        await expect(verify(chain, statement, withChunk(proof, 1, { [name]: value })))
          .to.be.revertedWithCustomError(chain.verifier, "VerifierNotCanonical")
          .withArgs(value);
      });
  });

  it("#3 sums that do not start at zero", async () => {
    // Blinders or a free start value would be S_R = ρ: then y is larger by ρ z^R, which the next chunk's first row,
    // or here the padding after the end, would have to hold.
    const { statement, proof } = honest.one;
    const { z, x } = settlementChallenges(statement);
    const [chunk] = truth(one).chunks;
    const shift = mod(5n * power(z, 210n));
    const { y, a } = evaluateChunk(chunk!, z, x);
    for (const values of [
      { y: mod(y + shift), a },
      { y, a: mod(a + 5n * power(x, 4n)) },
    ])
      await noWitness(proveChunk(chain.key, chunk!, { z, x, h: statement.h[0]!, ...values }));
    await refused(statement, withChunk(proof, 0, { y: mod(y + shift) }), "VerifierProofInvalid");
  });

  describe("#4 exact lengths", () => {
    it("#4 totals: one more, one less, other widths", async () => {
      const { statement, proof } = honest.one;
      const { totals } = statement;
      for (const wrong of [totals.subarray(8), totals.subarray(1), new Uint8Array([...totals, ...new Uint8Array(8)])])
        await expect(verify(chain, { ...statement, totals: wrong }, proof))
          .to.be.revertedWithCustomError(chain.verifier, "VerifierTotalsLength")
          .withArgs(wrong.length, 32);
    });

    it("#4 chunks: one more, one less, none", async () => {
      const { statement, proof } = honest.two;
      const [first, second] = proof.chunks;
      for (const chunks of [[], [first!], [first!, second!, second!]])
        await expect(verify(chain, statement, { ...proof, chunks }))
          .to.be.revertedWithCustomError(chain.verifier, "VerifierChunkCount")
          .withArgs(chunks.length, 2);
    });
  });

  describe("#5 bounds of Q", () => {
    it("#5 an entry of −128", async () => {
      const { statement, proof } = honest.one;
      await expect(verify(chain, { ...statement, q: sparseQuery(128, { 77: -128 }) }, proof))
        .to.be.revertedWithCustomError(chain.verifier, "VerifierQueryEntry")
        .withArgs(77);
    });

    it("#5 a norm above 480", async () => {
      const { statement, proof } = honest.one;
      // 14·127² + 67² + 10² + 2² + 1² = 230400 = 480², which is the last norm to pass this check.
      const q = sparseQuery(128, Object.fromEntries(Array.from({ length: 14 }, (_, j) => [j, 127])));
      const squares = 480 ** 2 - 14 * 127 ** 2;
      q.set([67, 10, 2, 1], 20);
      expect(squares).to.equal(67 ** 2 + 10 ** 2 + 2 ** 2 + 1);
      await refused({ ...statement, q }, proof, "VerifierTotalsMismatch");
      q[30] = -1;
      await expect(verify(chain, { ...statement, q }, proof))
        .to.be.revertedWithCustomError(chain.verifier, "VerifierQueryNorm")
        .withArgs(480 ** 2 + 1, 480 ** 2);
    });

    it("#5 a Q of another length", async () => {
      const { statement, proof } = honest.one;
      await expect(verify(chain, { ...statement, q: sampleQuery(129) }, proof))
        .to.be.revertedWithCustomError(chain.verifier, "VerifierQueryLength")
        .withArgs(129, 128);
    });
  });

  it("#7 a row out of range has no witness", async () => {
    const sketches = sampleSketches(9, 128);
    sketches.fill(127, 0, 128); // a norm of 1,437, against the 136 that are allowed
    const query = sampleQuery(128).map(Math.abs);
    const scores = scoreRows(sketches, query);
    expect(scores[0]).to.be.above(2 ** 16);
    expect(() => buildWitness(scores, [4, 5], 210)).to.throw("score of row 0");
    const { statement } = honest.one;
    const { chunks } = truth(one);
    const { z, x } = settlementChallenges(statement);
    for (const score of [2 ** 16, -(2 ** 16) - 1]) {
      const chunk: Chunk = { ...chunks[0]!, scores: chunks[0]!.scores.with(0, score) };
      await noWitness(proveChunk(chain.key, chunk, { z, x, h: statement.h[0]!, ...evaluateChunk(chunk, z, x) }));
    }
  });

  describe("#9 registered points", () => {
    let prepared: Prepared;

    before(async () => {
      prepared = await prepareRegistration(chain, await mintModel(chain, [[4, 5]]), 128, sampleSketches(9, 128));
    });

    const register = (change: Partial<ReturnType<typeof registrationArgument>>) =>
      chain.registry.connect(chain.owner).register({ ...registrationArgument(chain, prepared), ...change });
    const point = ([x, y]: G1) => Buffer.from([x, y].map((v) => v.toString(16).padStart(64, "0")).join(""), "hex");

    it("#9 a column off the curve, or with a coordinate of p or more", async () => {
      const bads: G1[] = [
        [1n, 1n],
        [1n, 2n + P],
        [P, P],
        [0n, 1n],
      ];
      for (const bad of bads) {
        const columns = new Uint8Array(prepared.committed.columns);
        columns.set(point(bad), 64 * 100);
        await expect(register({ columns }))
          .to.be.revertedWithCustomError(chain.registry, "RegistryInvalidPoint")
          .withArgs(100);
      }
    });

    it("#9 flags or an opening off the curve", async () => {
      await expect(register({ flags: [1n, 1n] }))
        .to.be.revertedWithCustomError(chain.registry, "RegistryInvalidPoint")
        .withArgs(128);
      await expect(register({ opening: [1n, 1n] }))
        .to.be.revertedWithCustomError(chain.registry, "RegistryInvalidPoint")
        .withArgs(129);
    });

    it("#9 a zero column is taken and skipped, and negative entries are subtracted", async () => {
      const query = sparseQuery(128, { [ZERO_COLUMN]: -100, 0: 3, 1: -90, 2: -1 });
      const { statement, proof } = await forge(chain, one, { query });
      await verify(chain, statement, proof);
    });
  });

  describe("#10 precompiles", () => {
    const g1: Record<string, G1> = { "off the curve": [1n, 1n], "with x = p": [P, 2n], "with y + p": [1n, 2n + P] };
    const g2: Record<string, G2> = { "off the curve": [1n, 1n, 1n, 1n], "with coordinates of p": [P, P, P, P] };

    for (const [name, bad] of Object.entries(g1))
      it(`#10 A, C or W ${name}`, async () => {
        for (const { statement, proof } of [honest.one, honest.two]) {
          for (const change of [{ pA: bad }, { pC: bad }])
            await refused(statement, withChunk(proof, 0, change), "VerifierPrecompileFailed");
          await refused(statement, { ...proof, opening: bad }, "VerifierPrecompileFailed");
        }
      });

    for (const [name, bad] of Object.entries(g2))
      it(`#10 B ${name}`, async () => {
        const { statement, proof } = honest.one;
        await refused(statement, withChunk(proof, 0, { pB: bad }), "VerifierPrecompileFailed");
      });

    it("#10 points at infinity prove nothing", async () => {
      const { statement, proof } = honest.one;
      const zero: Partial<ChunkProof> = { pA: [0n, 0n], pB: [0n, 0n, 0n, 0n], pC: [0n, 0n] };
      await refused(statement, withChunk(proof, 0, zero), "VerifierProofInvalid");
      await refused(statement, { ...proof, opening: [0n, 0n] }, "VerifierProofInvalid");
    });
  });

  it("#11 another proof of the same settlement is as good: nothing may be keyed on its bytes", async () => {
    // e(A, B) = e(s·A, B/s): anyone can change a Groth16 proof, but not what it proves.
    const { statement, proof } = honest.one;
    const bn254 = await Bn254.load();
    const { pA, pB } = proof.chunks[0]!;
    const changed = withChunk(proof, 0, {
      pA: await linearCombination([pA], [7n]),
      pB: bn254.g2(bn254.curve.G2.timesScalar(bn254.rawG2(pB), inverse(7n))),
    });
    await verify(chain, statement, changed);
  });

  it("#12 accounts come from storage", async () => {
    for (const c of [0, 1, 2, 3])
      expect(await chain.registry.accountOf(one.commitmentId, c)).to.equal(chain.contributors[c]!.address);
  });

  describe("#14 padding", () => {
    it("#14 score planted in rows after the last", async () => {
      const extra = 5;
      const planted = await registerModel(chain, [[50, 60]], 128, sampleSketches(110 + extra, 128));
      const query = sparseQuery(128, { 0: 100 });
      const { scores, chunks, totals } = truth(planted, query);
      const rows = scores.slice(110);
      expect([...rows].every((score) => score > 0)).to.equal(true);
      const chunk: Chunk = { scores: chunks[0]!.scores.slice(), flags: chunks[0]!.flags.slice() };
      chunk.scores.set(rows, 110);
      const marked = await forge(chain, planted, { query, chunks: [chunk] });
      await refused(marked.statement, marked.proof, "VerifierTotalsMismatch");

      // Without the end flag they would fall to the last contributor.
      chunk.flags[110] = 0;
      const taken = rows.reduce((sum, score) => sum + BigInt(score), totals[1]!);
      const unmarked = await forge(chain, planted, { query, chunks: [chunk], totals: [totals[0]!, taken] });
      await refused(unmarked.statement, unmarked.proof, "VerifierProofInvalid");
    });

    it("#14 no end flag, or one a row early", async () => {
      const [chunk] = truth(one).chunks;
      for (const flags of [chunk!.flags.with(120, 0), chunk!.flags.with(120, 0).with(121, 1)]) {
        const { statement, proof } = await forge(chain, one, { chunks: [{ ...chunk!, flags }] });
        await refused(statement, proof, "VerifierProofInvalid");
      }
    });
  });

  it("#15 totals that count a chunk's flags wrong", async () => {
    // The second chunk starts inside the second contributor: with f_1 = 0 its part would go to the first.
    const { scores, totals } = truth(two);
    const [first, second, third, last] = totals as [bigint, bigint, bigint, bigint];
    const moved = scores.slice(210, 250).reduce((sum, score) => sum + BigInt(Math.max(score, 0)), 0n);
    expect(moved > 0n).to.equal(true);
    const { statement, proof } = await forge(chain, two, {
      totals: [first + moved, second - moved + third, last, 0n],
    });
    await refused(statement, proof, "VerifierTotalsMismatch");
  });

  describe("#16 chunks out of order", () => {
    it("#16 swapped", async () => {
      const { chunks, totals } = truth(three);
      const { statement, proof } = await forge(chain, three, {
        chunks: [chunks[0]!, chunks[2]!, chunks[1]!],
        totals: [totals[0]!, totals[1]!, totals[3]!, totals[2]!],
      });
      await refused(statement, proof, "VerifierProofInvalid");
      const { statement: s, proof: p } = honest.three;
      await refused(s, { ...p, chunks: [p.chunks[1]!, p.chunks[0]!, p.chunks[2]!] }, "VerifierTotalsMismatch");
    });

    it("#16 one of them twice", async () => {
      const { chunks, totals } = truth(three);
      const { statement, proof } = await forge(chain, three, {
        chunks: [chunks[0]!, chunks[1]!, chunks[1]!],
        totals: [totals[0]!, totals[1]!, totals[2]!, totals[2]!],
      });
      await refused(statement, proof, "VerifierProofInvalid");
    });

    it("#16 dropped or added", async () => {
      const { chunks, totals } = truth(three);
      const dropped = await forge(chain, three, { chunks: chunks.slice(0, 2), totals: totals.with(3, 0n) });
      await refused(dropped.statement, dropped.proof, "VerifierChunkCount");
      const empty: Chunk = { scores: new Int32Array(210), flags: new Uint8Array(210) };
      const added = await forge(chain, one, { chunks: [...truth(one).chunks, empty] });
      await refused(added.statement, added.proof, "VerifierChunkCount");
    });
  });

  it("#17 challenges that leave one h out", async () => {
    for (const h of [0, 1]) {
      const { statement, proof } = await forge(chain, two, {
        challenges: (s) => settlementChallenges({ ...s, h: s.h.toSpliced(h, 1) }),
      });
      await refused(statement, proof, "VerifierTotalsMismatch");
    }
  });

  describe("#18 errors of two chunks that cancel under a λ that hashes too little", () => {
    const points = ({ chunks }: SettlementProof) => chunks.flatMap(({ pA, pB, pC }) => [...pA, ...pB, ...pC]);
    const shift = ({ proof }: Forged, t: number, name: "y" | "a", by: bigint) =>
      withChunk(proof, t, { [name]: mod(proof.chunks[t]![name] + by) });

    /** Holds under the weak λ, is refused by the contract, and would be under no λ that is fixed afterwards. */
    async function cancels(lambda: bigint, forged: Forged) {
      expect(await holdsUnder(lambda, chain, two, forged), "equation (3) under the weak λ").to.equal(true);
      await refused(forged.statement, forged.proof, "VerifierProofInvalid");
    }

    it("#18 honest proofs hold under any λ", async () => {
      expect(await holdsUnder(123n, chain, two, honest.two)).to.equal(true);
    });

    it("#18 without a: any totals", async () => {
      const totals = [1n, 2n, 3n, 10n ** 18n];
      let forged = await forge(chain, two, { totals });
      const sd = settlementChallenges(forged.statement);
      const { opening, chunks } = forged.proof;
      const lambda = challenge(
        sd.sd,
        2,
        ["bytes32", "bytes32", "uint256[2]"],
        [words(chunks.map(({ y }) => y)), words(points(forged.proof)), opening],
      );
      // δ_0 + λ δ_1 = 0 keeps Σ w_t a_t; δ_0 + δ_1 x^(f_1) makes (1) true. f_1 = 1 here.
      const claimed = totals.reduceRight((sum, total) => mod(sum * sd.x + total), 0n);
      const missing = mod(claimed - chunks[0]!.a - chunks[1]!.a * sd.x);
      const delta = mod(missing * inverse(sd.x - lambda));
      forged = { ...forged, proof: shift(forged, 1, "a", delta) };
      forged = { ...forged, proof: shift(forged, 0, "a", -lambda * delta) };
      await cancels(lambda, forged);
    });

    it("#18 without y: any rows", async () => {
      const { chunks, totals } = truth(two);
      const rows: Chunk = { ...chunks[0]!, scores: chunks[0]!.scores.with(0, 65_535) };
      const gain = 65_535n - BigInt(Math.max(chunks[0]!.scores[0]!, 0));
      let forged = await forge(chain, two, {
        chunks: [rows, chunks[1]!],
        totals: totals.with(0, totals[0]! + gain),
      });
      const { sd, z } = settlementChallenges(forged.statement);
      const lambda = challenge(
        sd,
        2,
        ["bytes32", "bytes32", "uint256[2]"],
        [words(forged.proof.chunks.map(({ a }) => a)), words(points(forged.proof)), forged.proof.opening],
      );
      // δ_0 + λ δ_1 = 0 keeps Σ w_t y_t; δ_0 + δ_1 z^R takes the planted score out of Y again.
      const planted = BigInt(65_535 - chunks[0]!.scores[0]!);
      const delta = mod(-planted * inverse(power(z, 210n) - lambda));
      forged = { ...forged, proof: shift(forged, 1, "y", delta) };
      forged = { ...forged, proof: shift(forged, 0, "y", -lambda * delta) };
      await cancels(lambda, forged);
    });

    it("#18 without C: two proofs of nothing", async () => {
      const { statement, proof } = honest.two;
      const { sd } = settlementChallenges(statement);
      const lambda = challenge(
        sd,
        2,
        ["bytes32", "bytes32", "uint256[2]"],
        [
          words(proof.chunks.flatMap(({ y, a }) => [y, a])),
          words(proof.chunks.flatMap(({ pA, pB }) => [...pA, ...pB])),
          proof.opening,
        ],
      );
      const move = async (t: number, by: bigint) => ({
        pC: await linearCombination([proof.chunks[t]!.pC, [1n, 2n]], [1n, by]),
      });
      const first = withChunk(proof, 0, await move(0, -lambda));
      await cancels(lambda, { statement, proof: withChunk(first, 1, await move(1, 1n)) });
    });

    it("#18 without W: an opening that makes up for a false proof", async () => {
      // Needs the secrets of the development keys: C_0 + D shifts the product by δD, W + F by u(z − τ)F.
      const { statement, proof } = honest.two;
      const { sd, z } = settlementChallenges(statement);
      const wrong = withChunk(proof, 0, { pC: await linearCombination([proof.chunks[0]!.pC, [1n, 2n]], [1n, 1n]) });
      const lambda = challenge(
        sd,
        2,
        ["bytes32", "bytes32"],
        [words(wrong.chunks.flatMap(({ y, a }) => [y, a])), words(points(wrong))],
      );
      const u = mod(lambda * lambda);
      const f = mod(-DEVELOPMENT.delta * inverse(u * (z - DEVELOPMENT.tau)));
      const opening = await linearCombination([proof.opening, [1n, 2n]], [1n, f]);
      await cancels(lambda, { statement, proof: { ...wrong, opening } });
    });

    it("#18 λ depends on every value and point", () => {
      const { statement, proof } = honest.two;
      const { sd } = settlementChallenges(statement);
      const chunk = proof.chunks[1]!;
      const changed: SettlementProof[] = [
        withChunk(proof, 1, { y: chunk.y + 1n }),
        withChunk(proof, 1, { a: chunk.a + 1n }),
        withChunk(proof, 1, { pA: [1n, 2n] }),
        withChunk(proof, 1, { pB: [1n, 2n, 3n, 4n] }),
        withChunk(proof, 1, { pC: [1n, 2n] }),
        { ...proof, opening: [1n, 2n] },
        proof,
      ];
      expect(new Set(changed.map((p) => foldingChallenge(sd, p))).size).to.equal(changed.length);
    });
  });

  describe("#19 ownership", () => {
    it("#19 a flag moved by a row", async () => {
      const modelId = await mintModel(chain, [[4, 5, 6]]);
      const sketches = sampleSketches(15, 128);
      for (const moved of [
        [3, 6, 6],
        [5, 4, 6],
        [4, 6, 5],
        [9, 6],
        [4, 1, 4, 6],
      ]) {
        const forged = await prepareRegistration(chain, modelId, 128, sketches, { flagCounts: moved });
        await expect(
          chain.registry.connect(chain.owner).register(registrationArgument(chain, forged)),
        ).to.be.revertedWithCustomError(chain.registry, "RegistryOwnershipNotProven");
      }
      const honestly = await prepareRegistration(chain, modelId, 128, sketches);
      await chain.registry.connect(chain.owner).register(registrationArgument(chain, honestly));
    });

    it("#19 a contributor without rows", async () => {
      await expect(mintModel(chain, [[4, 0]]))
        .to.be.revertedWithCustomError(chain.datanets, "DatanetInvalidField")
        .withArgs("rows");
    });

    it("#19 rows that the counts do not add up to: N is the sum of the frozen counts", async () => {
      const sketches = new Int8Array(110 * 128);
      sketches.set(sampleSketches(109, 128));
      const short = await registerModel(chain, [[50, 60]], 128, sketches);
      expect((await chain.registry.commitment(short.commitmentId)).rows).to.equal(110n);
      const { statement, proof } = await forge(chain, short);
      await verify(chain, statement, proof); // the row that was left out scores zero
      const [chunk] = truth(short).chunks;
      const early = await forge(chain, short, {
        chunks: [{ ...chunk!, flags: chunk!.flags.with(110, 0).with(109, 1) }],
      });
      await refused(early.statement, early.proof, "VerifierProofInvalid");
    });
  });

  it("a false total without a proof for it", async () => {
    const { totals } = truth(one);
    const { statement, proof } = await forge(chain, one, { totals: totals.with(0, totals[0]! + 1n) });
    await refused(statement, proof, "VerifierTotalsMismatch");
    // With a row that gives it, the opening no longer fits.
    const [chunk] = truth(one).chunks;
    const scores = chunk!.scores.with(0, 60_000);
    const gained = 60_000n - BigInt(Math.max(chunk!.scores[0]!, 0));
    const planted = await forge(chain, one, {
      chunks: [{ ...chunk!, scores }],
      totals: totals.with(0, totals[0]! + gained),
    });
    await refused(planted.statement, planted.proof, "VerifierProofInvalid");
    // Nor does an opening of those rows, which are not the committed ones.
    const { z, x } = settlementChallenges(planted.statement);
    const { w } = await openCombined(scores.slice(0, 120), one.committed.counts, z, x, chain.srs);
    await refused(planted.statement, { ...planted.proof, opening: w }, "VerifierProofInvalid");
  });

  it("totals other than those of the proof", async () => {
    const { statement, proof } = honest.one;
    const totals = truth(one).totals.with(1, 0n);
    await refused({ ...statement, totals: encodeTotals(totals) }, proof, "VerifierTotalsMismatch");
  });
});
