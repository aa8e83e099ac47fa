import { expect } from "chai";
import { developmentScalar, times1, times2, words1, words2 } from "./curve.ts";
import { type Num, words } from "./encoding.ts";
import { commitmentId, gamma, ownershipHolds, starts, versionHash, zeta } from "./registration.ts";
import { flagsBefore, isDevelopmentKey, keyVerdict, type VerifyingKey, vkId } from "./settlement.ts";
import { commitFlags, openFlags, simulatedKey, tauG2 } from "./simulate.ts";
import { type KeyVectors, type RegistrationVectors, readVectors } from "./vectors.ts";

/** C_b and W for flags at the given places, honest as far as those go. */
const open = (rd: Num, counts: Num[]) => ({ flags: commitFlags(counts), opening: openFlags(rd, counts) });

describe("reference: ownership at registration", () => {
  const rd = words(7);

  for (const counts of [[5], [1, 1], [3, 200, 7], [1, 1, 1, 1, 9]]) {
    it(`accepts flags where row counts ${counts} put them`, () => {
      const { flags, opening } = open(rd, counts);
      expect(ownershipHolds(rd, counts, flags, opening, tauG2)).to.equal(true);
    });
  }

  it("commits no flag for a single contributor", () => {
    expect(open(rd, [5])).to.deep.equal({ flags: [0n, 0n], opening: [0n, 0n] });
  });

  it("19: refuses a flag moved by one row", () => {
    const { flags, opening } = open(rd, [3, 200, 7]);
    expect(ownershipHolds(rd, [4, 199, 7], flags, opening, tauG2)).to.equal(false);
  });

  it("19: refuses a contributor without rows, whose flag would fall on another's", () => {
    const { flags, opening } = open(rd, [3, 0, 7]);
    expect(ownershipHolds(rd, [3, 7], flags, opening, tauG2)).to.equal(false);
  });

  it("refuses an opening made for another transcript", () => {
    const { flags, opening } = open(rd, [3, 200, 7]);
    expect(ownershipHolds(words(8), [3, 200, 7], flags, opening, tauG2)).to.equal(false);
  });
});

describe("reference: registration of the shared vectors", () => {
  const { version, registrations } = readVectors<RegistrationVectors>("registration");

  it("agrees on the version's hash", () => {
    const contributions = version.contributions.map(({ rows, ...rest }) => ({ ...rest, rowCount: rows }));
    const { chainId, datanetRegistry, datanetId } = version;
    expect(versionHash(chainId, datanetRegistry, datanetId, version.version, contributions)).to.equal(
      version.versionHash,
    );
  });

  registrations.forEach((vector) => {
    it(`agrees on commitment and challenges of model ${vector.modelId}`, () => {
      const id = commitmentId({ ...vector, attributionRegistry: vector.registry });
      expect(id).to.equal(vector.commitmentId);
      expect(String(zeta(id))).to.equal(vector.zeta);
      expect(String(gamma(id))).to.equal(vector.gamma);
      expect(starts(vector.counts).map(Number)).to.deep.equal(vector.starts);
      // The vectors count flags for chunks of 210 rows.
      const before = vector.flagsBefore.map((_, t) => flagsBefore({ starts: starts(vector.counts), R: 210n }, t));
      expect(before).to.deep.equal(vector.flagsBefore);
    });
  });
});

describe("reference: keys of the shared vectors", () => {
  const { key, tauG2: tau2, vkId: id, developmentVkId, developmentScalars } = readVectors<KeyVectors>("keys");

  const generator = words2(times2(1n));
  const proper = simulatedKey(9); // the vectors' key and powers are words that are no points

  it("agrees on the key's id and on the development scalars", () => {
    expect(vkId(key, tau2)).to.equal(id);
    for (const name of ["tau", "alpha", "beta", "delta"] as const) {
      expect(String(developmentScalar(name))).to.equal(developmentScalars[name]);
    }
    expect(developmentVkId).to.equal(`0x646576${id.slice(8)}`);
  });

  it("13: names a key after any one public secret, and refuses it off the development chain", () => {
    const cases = [
      [{ ...proper, alpha1: words1(times1(developmentScalar("alpha"))) }, tau2],
      [{ ...proper, delta2: words2(times2(developmentScalar("delta"))) }, tau2],
      [proper, words2(times2(developmentScalar("tau")))],
    ] as const;
    for (const [development, powers] of cases) {
      expect(isDevelopmentKey(development, powers)).to.equal(true);
      expect(vkId(development, powers).slice(0, 8)).to.equal("0x646576");
      expect(keyVerdict(development, powers, 1)).to.deep.equal({ ok: false, reason: "VerifierDevelopmentKey" });
    }
    expect(isDevelopmentKey(key, tau2)).to.equal(false);
  });

  it("13: refuses γ that is not the generator, δ that nobody contributed to, and chunks without rows", () => {
    const reason = (candidate: VerifyingKey) => keyVerdict(candidate, tauG2, 1);
    expect(reason(proper)).to.deep.equal({ ok: true });
    expect(reason({ ...proper, gamma2: key.gamma2 })).to.deep.equal({ ok: false, reason: "VerifierGammaNotGenerator" });
    expect(reason({ ...proper, delta2: generator })).to.deep.equal({ ok: false, reason: "VerifierNoContribution" });
    expect(reason({ ...proper, chunkRows: 0 })).to.deep.equal({ ok: false, reason: "VerifierInvalidKey" });
  });
});
