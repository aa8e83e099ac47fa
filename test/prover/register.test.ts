import { expect } from "chai";
import { devSrs } from "../../circuits/setup/dev.ts";
import { prepareRegistration } from "../../prover/register.ts";
import { tag } from "../../sdk/hash.ts";
import { sampleSketches } from "../support/samples.ts";

describe("what a model's owner registers", () => {
  const K = 128;
  const facts = {
    chainId: 31337n,
    registry: `0x${"11".repeat(20)}`,
    modelId: 1n,
    versionHashes: [tag("Version")],
    counts: [4, 6],
    manifestHash: tag("Manifest"),
  };

  /** The message of the refusal of ten rows, the fourth of which starts as told; none if they are taken. */
  async function refusal(entries: number[]): Promise<string | undefined> {
    const rows = sampleSketches(10, K);
    rows.subarray(3 * K, 4 * K).fill(0);
    rows.set(entries, 3 * K);
    return prepareRegistration(facts, tag("Key"), { rows, k: K, m0: 1 }, await devSrs(10)).then(
      () => undefined,
      ({ code, message }: { code: string; message: string }) => `${code} ${message}`,
    );
  }

  it("20: is refused with an entry of -128, or a norm above 136, naming the row", async () => {
    expect(await refusal([-128])).to.match(/^SKETCH_ENTRY .*row 3,/);
    expect(await refusal([127, 49])).to.match(/^SKETCH_NORM .*row 3 .*18530/);
  });

  it("20: may have rows at the bounds, no query of which leaves the circuit's range", async () => {
    expect(await refusal([-127, 48])).to.equal(undefined); // 18,433 of 18,496
    expect(await refusal([120, 64])).to.equal(undefined); // 136² exactly
    expect(136 * 480).to.be.below(2 ** 16);
  });
});
