import { expect } from "chai";
import { network } from "hardhat";
import { deployAttribution } from "../support/attribution.ts";
import { emptyTally, fuzzModel, registerChunkSizes } from "../support/fuzz.ts";

describe("random settlements", function () {
  this.timeout(600_000);

  it("are the same to library, circuit, contract and reference, and refused when forged", async () => {
    const chain = await deployAttribution(await network.create());
    await registerChunkSizes(chain);
    const tally = emptyTally();
    for (let index = 0; index < 15; index++) await fuzzModel(chain, 1, index, 20, tally);
    expect(tally.cases).to.equal(300);
    expect(tally.chunks).to.be.above(10);
    expect(tally.staged).to.be.above(0);
    expect(tally.verdicts).to.be.above(0);
    expect(Object.keys(tally.forgeries).length).to.be.above(12);
  });
});
