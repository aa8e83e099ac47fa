import { network } from "hardhat";
import { stopProver } from "../../prover/groth16.ts";
import {
  type Attribution,
  deployAttribution,
  type Prepared,
  registerModel,
  settle,
  verify,
  verifyArguments,
} from "../support/attribution.ts";

describe("AttributionVerifier", () => {
  let chain: Attribution;
  let one: Prepared;

  before(async () => {
    chain = await deployAttribution(await network.create());
    one = await registerModel(chain, [
      [3, 40],
      [17, 60],
    ]);
  });
  after(stopProver);

  it("accepts one chunk", async () => {
    const { statement, proof } = await settle(chain, one);
    await verify(chain, statement, proof);
    console.log(await chain.verifier.connect(chain.splitter).verify.estimateGas(...verifyArguments(statement, proof)));
  });
});
