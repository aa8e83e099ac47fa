// The shared vectors with true proofs of the compiled circuit: every value again, from the sketches alone.

import { expect } from "chai";
import { chunkHash, chunkRows, chunkValues } from "./chunk.ts";
import { developmentScalar, inverse, mod, power, sum, times1, times2, words1, words2 } from "./curve.ts";
import { bytes, hex, keccak256 } from "./encoding.ts";
import { forgeries } from "./forgeries.ts";
import { commitmentId, flagsAt, gamma, gRoot, ownershipHolds, starts, zeta } from "./registration.ts";
import { scores, signed, totals, totalsBytes } from "./scores.ts";
import {
  flagsBefore,
  keyVerdict,
  referenceVerdict,
  type SettlementInput,
  scoreCommitment,
  transcript,
  vkId,
} from "./settlement.ts";
import { commitColumns } from "./simulate.ts";
import { baseWeights, openSums, sumsHold } from "./sums.ts";
import { type ProofVectors, readVectors } from "./vectors.ts";

const strings = (values: readonly unknown[]): string[] => values.map(String);

describe("reference: shared vectors with true proofs", function () {
  this.timeout(60_000);
  const { key, tauG2, vkId: id, settlements } = readVectors<ProofVectors>("proofs");
  const tau = developmentScalar("tau");

  it("hold a development key under its name, refused where secrets must be secret", () => {
    expect(vkId(key, tauG2)).to.equal(id);
    expect(strings(tauG2)).to.deep.equal(strings(words2(times2(tau))));
    expect(strings(key.alpha1)).to.deep.equal(strings(words1(times1(developmentScalar("alpha")))));
    expect(strings(key.beta2)).to.deep.equal(strings(words2(times2(developmentScalar("beta")))));
    expect(strings(key.delta2)).to.deep.equal(strings(words2(times2(developmentScalar("delta")))));
    expect(keyVerdict(key, tauG2, 31337)).to.deep.equal({ ok: true });
    expect(keyVerdict(key, tauG2, 1)).to.deep.equal({ ok: false, reason: "VerifierDevelopmentKey" });
  });

  for (const { registration, sketches, statement, totalValues, proof, ...vector } of settlements) {
    const { counts, columns, flags, k } = registration;
    const flat = signed(bytes(sketches));
    const G = Array.from({ length: flat.length / k }, (_, i) => flat.slice(i * k, (i + 1) * k));
    const R = Number(key.chunkRows);
    const input: SettlementInput = {
      ...statement,
      key,
      tauG2,
      commitment: { id: registration.commitmentId, counts, columns, flags },
      proof,
    };

    describe(`model ${registration.modelId}, ${G.length} rows in ${proof.chunks.length} chunks`, () => {
      it("commits the sketches, since τ of the development key is known", () => {
        expect(hex(commitColumns(G, tau))).to.equal(columns);
        expect(strings(words1(times1(flagsAt(counts, tau))))).to.deep.equal(strings(flags));
        expect(gRoot(G.map((_, i) => bytes(sketches).slice(i * k, (i + 1) * k)))).to.equal(registration.gRoot);
      });

      it("registers under its content's hash and proves ownership", () => {
        const rd = commitmentId({
          ...registration,
          attributionRegistry: registration.registry,
          columnsHash: keccak256(columns),
        });
        expect(rd).to.equal(registration.commitmentId);
        expect(strings([zeta(rd), gamma(rd)])).to.deep.equal([registration.zeta, registration.gamma]);
        expect(ownershipHolds(rd, counts, flags, registration.opening, tauG2)).to.equal(true);
        const moved = counts.with(0, counts[0]! + 1).with(1, counts[1]! - 1);
        expect(sumsHold(rd, G.length, registration.baseWeights, columns, registration.sums, tauG2)).to.equal(true);
        const rows = G.map((_, i) => bytes(sketches).slice(i * k, (i + 1) * k));
        expect(baseWeights(rows, counts).map(Number)).to.deep.equal(registration.baseWeights);
        const sums = openSums(rd, rows, tau);
        expect({ ...sums, total: String(sums.total), opening: strings(sums.opening) }).to.deep.equal(registration.sums);
        expect(ownershipHolds(rd, moved, flags, registration.opening, tauG2)).to.equal(false);
      });

      it("comes to the totals, challenges, values and Poseidon chains of the vector", () => {
        const s = scores(G, signed(bytes(statement.q)));
        expect(strings(totals(s, counts))).to.deep.equal(totalValues);
        expect(hex(totalsBytes(totals(s, counts)))).to.equal(statement.totals);
        const Cs = words1(scoreCommitment(columns, statement.q));
        expect(strings(Cs)).to.deep.equal(strings(statement.scoreCommitment));

        const { sd, z, x, lambda } = transcript(input, Cs);
        expect([sd, ...strings([z, x, lambda])]).to.deep.equal([vector.sd, vector.z, vector.x, vector.lambda]);
        chunkRows(s, counts, R).forEach((rows, t) => {
          const { h, y, a } = proof.chunks[t]!;
          expect(chunkValues(rows, z, x)).to.deep.equal({ y: BigInt(y), a: BigInt(a) });
          expect(chunkHash(rows)).to.equal(BigInt(h));
          expect(String(h)).to.equal(statement.h[t]);
          expect(flagsBefore({ starts: starts(counts), R: BigInt(R) }, t)).to.equal(vector.flagsBefore[t]);
        });

        const at = (point: bigint): bigint => mod(sum(s.map((score, i) => score * power(point, i))));
        const quotient = at(tau) - at(z) + (x - 1n) * (flagsAt(counts, tau) - flagsAt(counts, z));
        expect(strings(words1(times1(quotient * inverse(tau - z))))).to.deep.equal(strings(proof.opening));
      });

      it("is accepted, merged and unmerged", () => {
        expect(referenceVerdict(input)).to.deep.equal({ ok: true });
      });

      it("is refused by name with any one value changed", () => {
        for (const { name, input: forged, reason } of forgeries(input)) {
          expect(referenceVerdict(forged)).to.deep.equal({ ok: false, reason }, name);
        }
      });
    });
  }
});
