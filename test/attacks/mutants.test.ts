import { expect } from "chai";
import { ZeroAddress, ZeroHash } from "ethers";
import { network } from "hardhat";
import { Bn254 } from "../../circuits/bn254.ts";
import { inverses, power } from "../../circuits/field.ts";
import { readSections } from "../../circuits/setup/binary.ts";
import { devSrs } from "../../circuits/setup/dev.ts";
import { signalPolynomials } from "../../circuits/setup/keygen.ts";
import { readR1cs } from "../../circuits/setup/r1cs.ts";
import { SECTION } from "../../circuits/setup/zkey.ts";
import { combinedValue } from "../../prover/check.ts";
import { stopProver } from "../../prover/groth16.ts";
import { combineColumns, linearCombination, open } from "../../prover/kzg.ts";
import { openCombined } from "../../prover/settlement.ts";
import { type Chunk, evaluateChunk } from "../../prover/witness.ts";
import { challenge, type G1, type G2, mod, FIELD as R, words } from "../../sdk/hash.ts";
import {
  type ChunkProof,
  DEVELOPMENT,
  encodeTotals,
  type SettlementProof,
  type SettlementStatement,
  settlementChallenges,
  starts,
} from "../../sdk/transcript.ts";
import {
  type Attribution,
  deployAttribution,
  type Prepared,
  registerModel,
  settlementContext,
  verify,
  verifyArguments,
} from "../support/attribution.ts";
import { type Forged, forge, truth, withChunk } from "../support/forger.ts";
import { nearbyWith } from "../support/lattice.ts";
import { compileVerifier, type Mutation } from "../support/mutants.ts";
import { sampleQuery, sampleSketches, sparseQuery } from "../support/samples.ts";

const inverse = (value: bigint): bigint => inverses([mod(value)])[0]!;
const G1_GENERATOR: G1 = [1n, 2n];
const INFINITY: G1 = [0n, 0n];
type Polynomials = ReturnType<typeof signalPolynomials>;

/*
 * What each part of the transcript is for. The contract's text is changed in one place, compiled and deployed; the
 * attack then gets a false settlement past the broken contract, and the same attack fails on ours. No attack here needs
 * a secret of the keys: each would work against a key from a ceremony.
 */
describe("verifiers with one check taken out", () => {
  let chain: Attribution;
  let one: Prepared; // one chunk, padding
  let two: Prepared; // two chunks, a contributor in both, padding
  let three: Prepared; // three full chunks
  let eight: Prepared; // eight contributors

  before(async () => {
    chain = await deployAttribution(await network.create());
    one = await registerModel(chain, [[3, 40, 17, 60]]);
    two = await registerModel(chain, [[100, 150, 1, 49]]);
    three = await registerModel(chain, [[100, 110, 210, 210]]);
    eight = await registerModel(chain, [[3, 5, 2, 8, 1, 4, 6, 7]]);
  });
  after(stopProver);

  /** The same world, with a verifier of changed text. */
  async function broken(...mutations: Mutation[]): Promise<Attribution> {
    const { ethers, registry, manager, verifying } = chain;
    const [admin] = await ethers.getSigners();
    const { abi, bytecode } = compileVerifier(mutations);
    const deployed = await new ethers.ContractFactory(abi, bytecode, admin).deploy(registry, manager);
    const verifier = chain.verifier.attach(deployed) as Attribution["verifier"];
    await verifier.connect(admin!).registerKey(verifying);
    return { ...chain, verifier };
  }

  const accepted = ({ verifier, splitter }: Attribution, { statement, proof }: Forged, caller = splitter) =>
    verifier.connect(caller).verify(...verifyArguments(statement, proof));

  const refused = (forged: Forged, error: string) =>
    expect(verify(chain, forged.statement, forged.proof)).to.be.revertedWithCustomError(chain.verifier, error);

  const inSd = (from: string, to: string): Mutation => ({ source: "attribution/AttributionVerifier", from, to });
  const inTranscript = (from: string, to: string): Mutation => ({ source: "libraries/Transcript", from, to });

  it("a verifier compiled from the same text, unchanged, takes what ours takes and refuses what ours refuses", async () => {
    const same = await broken();
    const honest = await forge(same, one);
    await accepted(same, honest);
    const statement = { ...honest.statement, epochId: 4n };
    await expect(accepted(same, { ...honest, statement })).to.be.revertedWithCustomError(
      chain.verifier,
      "VerifierTotalsMismatch",
    );
  });

  it("without the totals: x is known before them, and a lattice of dimension 8 gives others of the same value", async () => {
    // Σ v_c x^c = 0 has integer solutions of size r^(1/K): 2^32 at K = 8, and below 2^64 from K = 5 on.
    const weak = (s: SettlementStatement) => settlementChallenges({ ...s, totals: new Uint8Array() });
    const attack = async (target: Attribution): Promise<Forged> => {
      const honest = await forge(target, eight, { challenges: weak });
      const { x } = weak(honest.statement);
      const powers = starts(eight.committed.counts).map((_, c) => power(x, BigInt(c)));
      const value = truth(eight).totals.reduce((sum, total, c) => mod(sum + total * powers[c]!), 0n);
      const wanted = powers.map((_, c) => (c === 4 ? 2n ** 63n : 2n ** 40n));
      const totals = nearbyWith(value, powers, R, wanted);
      expect(totals.every((total) => total >= 0n && total < 2n ** 64n)).to.equal(true);
      // The contributor of a single row takes all but a millionth.
      expect(totals[4]! * 10n ** 6n > 999_999n * totals.reduce((sum, total) => sum + total)).to.equal(true);
      return { ...honest, statement: { ...honest.statement, totals: encodeTotals(totals) } };
    };
    const target = await broken(inSd("totals: keccak256(totals),", 'totals: keccak256(""),'));
    await accepted(target, await attack(target));
    await refused(await attack(chain), "VerifierTotalsMismatch");
  });

  it("without one h: z is known before that chunk's rows, and a lattice of dimension 24 gives other rows", async () => {
    // Scores below zero count for nothing, so 24 of them absorb what the attacker writes elsewhere: 24·15 bits > 254.
    const weak = (s: SettlementStatement) => settlementChallenges({ ...s, h: s.h.with(0, 0n) });
    const attack = async (target: Attribution): Promise<Forged> => {
      const { chunks, totals: honest } = truth(one);
      const totals = [3n * 65_535n, 0n, 0n, 0n];
      expect(honest.every((total) => total > 0n)).to.equal(true);
      const { z } = weak({
        ...(await settlementContext(target, one.commitmentId)),
        q: sampleQuery(128),
        scoreCommitment: await combineColumns(one.committed.columns, sampleQuery(128)),
        totals: encodeTotals(totals),
        h: [0n],
      });
      const scores = chunks[0]!.scores.map((_, row) => (row < 3 ? 65_535 : row < 27 ? 0 : row < 120 ? -1 : 0));
      const at = (rows: Int32Array) => rows.reduce((sum, s, row) => mod(sum + BigInt(s) * power(z, BigInt(row))), 0n);
      const free = Array.from({ length: 24 }, (_, i) => power(z, BigInt(3 + i)));
      const target24 = free.map(() => -(2n ** 15n));
      const solved = nearbyWith(mod(at(chunks[0]!.scores) - at(scores)), free, R, target24);
      expect(solved.every((score) => score < 0n && score >= -(2n ** 16n))).to.equal(true);
      scores.set(solved.map(Number), 3);
      return forge(target, one, { chunks: [{ scores, flags: chunks[0]!.flags }], totals, challenges: weak });
    };
    const target = await broken(
      inTranscript("for (uint256 t; t < h.length; ++t) h[t] =", "for (uint256 t = 1; t < h.length; ++t) h[t] ="),
    );
    await accepted(target, await attack(target));
    // Only the first contributor has a total, whose weight is 1 for every x: it is the opening that fails.
    await refused(await attack(chain), "VerifierProofInvalid");
  });

  it("with a weight that z decides: what a flag loses, scores of ±1 make up for", async () => {
    // With x = z, (X − 1)·(X^43 − X^5) moves from the flags to the scores, and 38 rows to another contributor.
    const weak = (s: SettlementStatement) => {
      const { z } = settlementChallenges(s);
      return { z, x: z };
    };
    const attack = (target: Attribution): Promise<Forged> => {
      const [chunk] = truth(one).chunks;
      const scores = chunk!.scores.slice();
      for (const [row, by] of [
        [5, 1],
        [6, -1],
        [43, -1],
        [44, 1],
      ] as const)
        scores[row]! += by;
      const flags = chunk!.flags.with(43, 0).with(5, 1);
      const sums = [0, 0, 0, 0].map(() => 0n);
      let owner = 0;
      for (let row = 0; row < 120; row++) {
        owner += flags[row]!;
        sums[owner]! += BigInt(Math.max(scores[row]!, 0));
      }
      expect(sums[2]! > truth(one).totals[2]!).to.equal(true);
      return forge(target, one, { chunks: [{ scores, flags }], totals: sums, challenges: weak });
    };
    const target = await broken(inSd("s.x = Transcript.challenge(sd, 1);", "s.x = s.z;"));
    await accepted(target, await attack(target));
    await refused(await attack(chain), "VerifierTotalsMismatch");
  });

  it("with flag counts other than those of the rows: a chunk's part goes to somebody else", async () => {
    const { scores, totals } = truth(two);
    const [first, second, third, last] = totals as [bigint, bigint, bigint, bigint];
    const moved = scores.slice(210, 250).reduce((sum, score) => sum + BigInt(Math.max(score, 0)), 0n);
    const attack = (target: Attribution) =>
      forge(target, two, { totals: [first + moved, second - moved + third, last, 0n] });
    const target = await broken(inSd("Bn254.power(s.x, flags[t])", "Bn254.power(s.x, 0)"));
    await accepted(target, await attack(target));
    await refused(await attack(chain), "VerifierTotalsMismatch");
  });

  it("without the end flag: rows planted after the last are paid to the last contributor", async () => {
    const planted = await registerModel(chain, [[50, 60]], 128, sampleSketches(115, 128));
    const query = sparseQuery(128, { 0: 100 });
    const { scores, chunks, totals } = truth(planted, query);
    const chunk: Chunk = { scores: chunks[0]!.scores.slice(), flags: chunks[0]!.flags.with(110, 0) };
    chunk.scores.set(scores.slice(110), 110);
    const taken = scores.slice(110).reduce((sum, score) => sum + BigInt(score), totals[1]!);
    expect(taken > totals[1]!).to.equal(true);
    const attack = (target: Attribution) =>
      forge(target, planted, { query, chunks: [chunk], totals: [totals[0]!, taken] });
    const target = await broken(inSd("if (rows % s.key.chunkRows != 0)", "if (rows == 0)"));
    await accepted(target, await attack(target));
    await refused(await attack(chain), "VerifierProofInvalid");
  });

  describe("without what a settlement is for, a proof serves twice", () => {
    const other = "0x00000000000000000000000000000000000000ff";
    const unhashed = (field: string) =>
      inTranscript("SETTLE_TAG, splitter));", `SETTLE_TAG, splitter));\ndelete statement.${field};`);
    const items: Record<string, [Mutation, Partial<SettlementStatement>, () => Partial<SettlementStatement>]> = {
      epoch: [unhashed("epochId"), { epochId: 0n }, () => ({ epochId: 4n })],
      prover: [unhashed("prover"), { prover: ZeroAddress }, () => ({ prover: other })],
      commitment: [unhashed("commitmentId"), { commitmentId: ZeroHash }, () => ({ commitmentId: twin.commitmentId })],
    };
    let twin: Prepared; // the sketches of `one`, under another model

    before(async () => {
      twin = await registerModel(chain, [[3, 40, 17, 60]]);
    });

    for (const [name, [mutation, left, change]] of Object.entries(items))
      it(`without the ${name}`, async () => {
        const target = await broken(mutation);
        const weak = (s: SettlementStatement) => settlementChallenges({ ...s, ...left });
        const forged = await forge(target, one, { challenges: weak });
        await accepted(target, forged);
        await accepted(target, { ...forged, statement: { ...forged.statement, ...change() } });
        const ours = await forge(chain, one);
        await verify(chain, ours.statement, ours.proof);
        await refused({ ...ours, statement: { ...ours.statement, ...change() } }, "VerifierTotalsMismatch");
      });

    it("without the verifier or its caller: on a second deployment, for a second splitter", async () => {
      const mutations = [
        inTranscript("statement.verifier = address(this);", "statement.verifier = address(0);"),
        inTranscript("SETTLE_TAG, splitter", "SETTLE_TAG, address(0)"),
      ];
      const [target, second] = [await broken(...mutations), await broken(...mutations)];
      const weak = (s: SettlementStatement) =>
        settlementChallenges({ ...s, verifier: ZeroAddress, splitter: ZeroAddress });
      const forged = await forge(target, one, { challenges: weak });
      for (const world of [target, second])
        for (const caller of [chain.splitter, chain.owner]) await accepted(world, forged, caller);
      const same = await broken();
      const ours = await forge(chain, one);
      for (const [world, caller] of [
        [same, chain.splitter],
        [chain, chain.owner],
      ] as const)
        await expect(accepted(world, ours, caller)).to.be.revertedWithCustomError(
          chain.verifier,
          "VerifierTotalsMismatch",
        );
    });
  });

  describe("without a part of λ, the folded proofs cancel", () => {
    const copyPoints = "calldatacopy(at, add(chunk, 0x60), 0x100)\n                at := add(at, 0x100)";
    const zeroB: G2 = [0n, 0n, 0n, 0n];
    const fold = (sd: string, values: string, points: (bigint | string)[], opening: G1) =>
      challenge(sd, 2, ["bytes32", "bytes32", "uint256[2]"], [values, words(points), opening]);
    const valuesOf = ({ chunks }: SettlementProof) => words(chunks.flatMap(({ y, a }) => [y, a]));

    /** A settlement of any totals without any witness: hashes and values as given, all points at infinity. */
    async function empty(target: Attribution, prepared: Prepared, totals: bigint[], chunks: number) {
      const query = sampleQuery(128);
      const statement: SettlementStatement = {
        ...(await settlementContext(target, prepared.commitmentId)),
        q: query,
        scoreCommitment: await combineColumns(prepared.committed.columns, query),
        totals: encodeTotals(totals),
        h: Array.from({ length: chunks }, () => 5n),
      };
      const challenges = settlementChallenges(statement);
      const claimed = totals.reduceRight((sum, total) => mod(sum * challenges.x + total), 0n);
      const chunk: ChunkProof = { h: 5n, y: 0n, a: 0n, pA: INFINITY, pB: zeroB, pC: INFINITY };
      return { statement, ...challenges, claimed, chunks: statement.h.map(() => chunk) };
    }

    /** IC_0 + z·IC_1 + x·IC_2 + h·IC_3 + y·IC_4 + a·IC_5 */
    const publicInputs = ({ verifying }: Attribution, z: bigint, x: bigint, { h, y, a }: ChunkProof) =>
      linearCombination(verifying.ic, [1n, z, x, h, y, a]);

    /** C_s + (x − 1)·C_b − Y·G1 */
    const unopened = ({ committed }: Prepared, s: SettlementStatement, { z, x }: { z: bigint; x: bigint }) =>
      linearCombination(
        [s.scoreCommitment, committed.flags, G1_GENERATOR],
        [
          1n,
          x - 1n,
          -combinedValue(
            s.h.map(() => 0n),
            committed.counts,
            210,
            z,
            x,
          ),
        ],
      );

    it("without y and a: any totals", async () => {
      const attack = async (target: Attribution): Promise<Forged> => {
        const totals = [1n, 2n, 3n, 10n ** 18n];
        const { statement, proof } = await forge(target, two, { totals });
        const { sd, x } = settlementChallenges(statement);
        const points = proof.chunks.flatMap(({ pA, pB, pC }) => [...pA, ...pB, ...pC]);
        const lambda = fold(sd, ZeroHash, points, proof.opening);
        // δ_0 + λ δ_1 = 0 keeps Σ w_t a_t; δ_0 + δ_1 x^(f_1) makes (1) true. f_1 = 1 here.
        const claimed = totals.reduceRight((sum, total) => mod(sum * x + total), 0n);
        const [first, second] = proof.chunks as [ChunkProof, ChunkProof];
        const delta = mod((claimed - first.a - second.a * x) * inverse(x - lambda));
        const shifted = withChunk(proof, 1, { a: mod(second.a + delta) });
        return { statement, proof: withChunk(shifted, 0, { a: mod(first.a - lambda * delta) }) };
      };
      const target = await broken(inTranscript("values := keccak256(buffer, sub(at, buffer))", "values := 0"));
      await accepted(target, await attack(target));
      await refused(await attack(chain), "VerifierProofInvalid");
    });

    it("without A: anything, without a witness", async () => {
      // B_0 = G2 and B_1 = β2 are fixed; A_0 and A_1 then take whatever the rest of the product is.
      const attack = async (target: Attribution): Promise<Forged> => {
        const { verifying } = target;
        const made = await empty(target, two, [1n, 2n, 3n, 10n ** 18n], 2);
        const { statement, sd, z, x, claimed } = made;
        const first = { ...made.chunks[0]!, a: claimed, pB: verifying.gamma2 };
        const second = { ...made.chunks[1]!, pB: verifying.beta2 };
        const chunks = [first, second];
        const lambda = fold(
          sd,
          valuesOf({ chunks, opening: INFINITY }),
          chunks.flatMap(({ pB, pC }) => [...pB, ...pC]),
          INFINITY,
        );
        const inputs = await Promise.all(chunks.map((chunk) => publicInputs(target, z, x, chunk)));
        const rest = await unopened(two, statement, made);
        first.pA = await linearCombination([...inputs, rest], [1n, lambda, lambda * lambda]);
        second.pA = await linearCombination([verifying.alpha1], [(1n + lambda) * inverse(lambda)]);
        return { statement, proof: { chunks, opening: INFINITY } };
      };
      const target = await broken(
        inTranscript(copyPoints, "calldatacopy(at, add(chunk, 0xa0), 0xc0)\n                at := add(at, 0xc0)"),
      );
      await accepted(target, await attack(target));
      await refused(await attack(chain), "VerifierProofInvalid");
    });

    it("without B: anything, without a witness", async () => {
      // Three chunks with the same public values U: A = (U, α1, C_s + (x−1)C_b − Y·G1), and B takes the weights.
      const attack = async (target: Attribution): Promise<Forged> => {
        const { verifying } = target;
        const made = await empty(target, three, [0n, 0n, 0n, 10n ** 18n], 3);
        const { statement, sd, z, x, claimed } = made;
        const before = [0, 1, 2].map(
          (t) =>
            starts(three.committed.counts)
              .slice(1)
              .filter((s) => s < t * 210).length,
        );
        const a = mod(claimed * inverse(before.reduce((sum, f) => mod(sum + power(x, BigInt(f))), 0n)));
        const chunks = made.chunks.map((chunk) => ({ ...chunk, a }));
        chunks[0]!.pA = await publicInputs(target, z, x, chunks[0]!);
        chunks[1]!.pA = verifying.alpha1;
        chunks[2]!.pA = await unopened(three, statement, made);
        const lambda = fold(
          sd,
          valuesOf({ chunks, opening: INFINITY }),
          chunks.flatMap(({ pA, pC }) => [...pA, ...pC]),
          INFINITY,
        );
        const sum = mod(1n + lambda + lambda * lambda);
        const bn254 = await Bn254.load();
        const times = (point: G2, scalar: bigint) =>
          bn254.g2(bn254.curve.G2.timesScalar(bn254.rawG2(point), mod(scalar)));
        chunks[0]!.pB = times(verifying.gamma2, sum);
        chunks[1]!.pB = times(verifying.beta2, sum * inverse(lambda));
        chunks[2]!.pB = times(verifying.gamma2, lambda); // u/λ²
        return { statement, proof: { chunks, opening: INFINITY } };
      };
      const target = await broken(
        inTranscript(
          copyPoints,
          "calldatacopy(at, add(chunk, 0x60), 0x40)\n calldatacopy(add(at, 0x40), add(chunk, 0x120), 0x40)\n" +
            "at := add(at, 0x80)",
        ),
      );
      await accepted(target, await attack(target));
      await refused(await attack(chain), "VerifierProofInvalid");
    });

    it("without C: any rows, since C can pay for a false opening with a multiple of the domain's polynomial", async () => {
      // Opens P + c·t in place of P, where t = X^8192 − 1 vanishes on the circuit's domain. The error u·c·t(τ) is δ times
      // a point of the proving key: t is −2 on the odd points of twice the domain, over which its H points are laid.
      const attack = async (target: Attribution): Promise<Forged> => {
        const { committed } = one;
        const { scores, chunks, totals } = truth(one);
        const rows: Chunk = { ...chunks[0]!, scores: chunks[0]!.scores.with(0, 65_535) };
        const gain = 65_535n - BigInt(Math.max(scores[0]!, 0));
        const { statement, proof } = await forge(target, one, {
          chunks: [rows],
          totals: totals.with(0, totals[0]! + gain),
        });
        const { sd, z, x } = settlementChallenges(statement);
        const domain = 8192;
        const [h, ahead] = [
          readSections(target.key.zkey, "zkey", [SECTION.h]).get(SECTION.h)!,
          await devSrs(domain + 1),
        ];
        expect(h.length).to.equal(64 * domain);
        const coefficients = Array.from({ length: domain + 1 }, (_, i) => BigInt(scores[i] ?? 0));
        for (const start of starts(committed.counts).slice(1)) coefficients[start]! += x - 1n;
        const [honest, claimed] = [chunks[0]!, rows].map((chunk) => evaluateChunk(chunk, z, x).y) as [bigint, bigint];
        const c = mod((claimed - honest) * inverse(power(z, BigInt(domain)) - 1n));
        coefficients[0]! -= c;
        coefficients[domain]! += c;
        const { w } = await open(coefficients, z, ahead);
        const { pA, pB, pC } = proof.chunks[0]!;
        const u = fold(sd, valuesOf(proof), [...pA, ...pB], w); // λ, since M = 1
        const bn254 = await Bn254.load();
        let sum = bn254.curve.G1.zeroAffine;
        for (let at = 0; at < h.length; at += 64) sum = bn254.curve.G1.add(sum, h.slice(at, at + 64));
        const changed = await linearCombination([pC, bn254.g1(sum)], [1n, -2n * u * c]);
        return { statement, proof: { ...withChunk(proof, 0, { pC: changed }), opening: w } };
      };
      const target = await broken(
        inTranscript(copyPoints, "calldatacopy(at, add(chunk, 0x60), 0xc0)\n                at := add(at, 0xc0)"),
      );
      await accepted(target, await attack(target));
      await refused(await attack(chain), "VerifierProofInvalid");
    });

    it("without W: anything, since W can pay for whatever vanishes at z", async () => {
      // With A = α1 and B = β2 a chunk's equation is left with U + δC. Two private signals and the domain's polynomial,
      // all in C, make its α, β and plain parts vanish at z; then (U + δC)/(τ − z) is a sum of published powers α·τ^i,
      // β·τ^i and τ^i, and W takes it when λ is known. The known α, β and τ only stand in for those files of powers.
      const attack = async (target: Attribution): Promise<Forged> => {
        const { verifying, key, srs } = target;
        const { counts } = one.committed;
        const made = await empty(target, one, [0n, 0n, 10n ** 18n, 0n], 1);
        const { statement, sd, z, x, claimed } = made;
        const bn254 = await Bn254.load();
        const system = readR1cs(key.circuit.r1cs);
        const { alpha, beta, delta, tau } = DEVELOPMENT;
        const [atZ, atTau] = [z, tau].map((point) => signalPolynomials(bn254, system, point)) as [
          Polynomials,
          Polynomials,
        ];
        const opened = await openCombined(truth(one).scores, counts, z, x, srs);
        const y = mod(opened.y - combinedValue([0n], counts, 210, z, x));
        const inputs = [1n, z, x, 5n, y, claimed];
        const sum = (values: bigint[]) => inputs.reduce((total, input, i) => mod(total + input * values[i]!), 0n);

        // d_0·a_i + d_1·a_j = −Σ a and d_0·b_i + d_1·b_j = −Σ b, all at z.
        const used = atZ.a.keys().filter((s) => s > 5 && atZ.a[s] !== 0n && atZ.b[s] !== 0n);
        const [i, j] = [...used.take(2)] as [number, number];
        const over = inverse(atZ.a[i]! * atZ.b[j]! - atZ.a[j]! * atZ.b[i]!);
        const [sumA, sumB] = [sum(atZ.a), sum(atZ.b)];
        const d = [
          mod((sumB * atZ.a[j]! - sumA * atZ.b[j]!) * over),
          mod((sumA * atZ.b[i]! - sumB * atZ.a[i]!) * over),
        ] as const;
        const all = (values: bigint[]) => mod(sum(values) + d[0] * values[i]! + d[1] * values[j]!);
        expect([all(atZ.a), all(atZ.b)]).to.deep.equal([0n, 0n]);
        const vanishing = (point: bigint) => power(point, BigInt(atZ.domain)) - 1n;
        const q = mod(-all(atZ.c) * inverse(vanishing(z)));

        const wire = ({ a, b, c }: Polynomials, s: number) => beta * a[s]! + alpha * b[s]! + c[s]!;
        const inC = d[0] * wire(atTau, i) + d[1] * wire(atTau, j) + q * vanishing(tau);
        const whole = beta * all(atTau.a) + alpha * all(atTau.b) + all(atTau.c) + q * vanishing(tau);
        const chunk: ChunkProof = {
          ...made.chunks[0]!,
          y,
          a: claimed,
          pA: verifying.alpha1,
          pB: verifying.beta2,
          pC: await linearCombination([G1_GENERATOR], [inC * inverse(delta)]),
        };
        const values = valuesOf({ chunks: [chunk], opening: INFINITY });
        const lambda = fold(sd, values, [...chunk.pA, ...chunk.pB, ...chunk.pC], INFINITY); // u, since M = 1
        const opening = await linearCombination([opened.w, G1_GENERATOR], [1n, whole * inverse(lambda * (tau - z))]);
        return { statement, proof: { chunks: [chunk], opening } };
      };
      const target = await broken(inTranscript("values, points, proof.opening", "values, points, [uint256(0), 0]"));
      await accepted(target, await attack(target));
      await refused(await attack(chain), "VerifierProofInvalid");
    });
  });
});
