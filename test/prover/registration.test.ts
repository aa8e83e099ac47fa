import { expect } from "chai";
import { devSrs } from "../../circuits/setup/dev.ts";
import type { Srs } from "../../circuits/setup/srs.ts";
import { commit, commitFlags } from "../../prover/kzg.ts";
import { checkOwnership, proveOwnership } from "../../prover/registration.ts";
import { mod } from "../../sdk/hash.ts";
import { element, outcome, seeded } from "./samples.ts";

describe("ownership opening", function () {
  this.timeout(60_000);
  const counts = [210, 5, 100, 1, 60];
  const zeta = element(seeded(5));
  let srs: Srs;

  before(async () => {
    srs = await devSrs(400);
  });

  it("holds for the frozen counts and for no others", async () => {
    const flags = await commitFlags(counts, srs);
    const w = await proveOwnership(counts, flags, zeta, srs);
    expect(await checkOwnership(counts, flags, zeta, w, srs)).to.equal(true);
    for (const other of [
      [209, 6, 100, 1, 60],
      [210, 5, 101, 60],
      [210, 5, 100, 1, 30, 30],
    ]) {
      expect(await checkOwnership(other, flags, zeta, w, srs)).to.equal(false);
    }
    expect(await checkOwnership(counts, flags, mod(zeta + 1n), w, srs)).to.equal(false);
  });

  it("holds for a single contributor, who needs no flag", async () => {
    const flags = await commitFlags([300], srs);
    const w = await proveOwnership([300], flags, zeta, srs);
    expect({ flags, w }).to.deep.equal({ flags: [0n, 0n], w: [0n, 0n] });
  });

  it("holds where the second contributor starts on row 1, so that W is a constant", async () => {
    const flags = await commitFlags([1, 9], srs);
    expect(await proveOwnership([1, 9], flags, zeta, srs)).to.deep.equal([1n, 2n]);
  });

  it("is refused for flags that were moved by a row, left out, or added", async () => {
    const committed = (rows: number[]) => {
      const coefficients = Array<bigint>(400).fill(0n);
      for (const row of rows) coefficients[row] = 1n;
      return commit(coefficients, srs);
    };
    expect(await commitFlags(counts, srs)).to.deep.equal(await committed([210, 215, 315, 316]));
    for (const rows of [
      [211, 215, 315, 316],
      [210, 215, 315],
      [210, 215, 315, 316, 376],
    ]) {
      expect(await outcome(proveOwnership(counts, await committed(rows), zeta, srs))).to.equal("OWNERSHIP_FLAGS");
    }
  });
});
