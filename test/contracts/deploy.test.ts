import { expect } from "chai";
import { devSrs } from "../../circuits/setup/dev.ts";
import OpenLedger, { GUARDIAN_ROLE, OPERATOR_ROLE } from "../../deploy/modules/OpenLedger.ts";
import { pauseSwitch } from "../../sdk/contracts.ts";
import {
  admin,
  BOND_FACTOR,
  deployed,
  ethers,
  ignition,
  networkHelpers,
  operator,
  stranger,
  TIMING,
  treasury,
} from "../support/world.ts";

describe("Deployment", () => {
  it("wires the contracts to each other", async () => {
    const { operators, datanets, models, attribution, verifier, splitter, escrow } =
      await networkHelpers.loadFixture(deployed);
    expect(await attribution.DATANETS()).to.equal(datanets.target);
    expect(await attribution.MODELS()).to.equal(models.target);
    expect(await attribution.tauG2()).to.deep.equal((await devSrs(1)).tauG2);
    expect(await verifier.REGISTRY()).to.equal(attribution.target);
    expect(await splitter.attribution()).to.equal(attribution.target);
    expect(await splitter.escrow()).to.equal(escrow.target);
    expect(await operators.authority()).to.equal(await splitter.authority());
    expect(await splitter.operators()).to.equal(operators.target);
    expect(await operators.isLocker(splitter)).to.equal(true);
    expect(await splitter.disputes()).to.equal(admin.address);
    expect(await splitter.bondFactor()).to.equal(BOND_FACTOR);
    expect(await splitter.treasury()).to.equal(treasury.address);
    expect((await splitter.timing()).challengeWindow).to.equal(TIMING.challengeWindow);
    expect(await splitter.authority()).to.equal(await verifier.authority());
  });

  it("lets the operator propose, the admin register keys, and nobody else anything", async () => {
    const { splitter, verifier, ...world } = await networkHelpers.loadFixture(deployed);
    const pauses = await pauseSwitch({ ...world, splitter, verifier });
    const manager = await ethers.getContractAt("AccessManager", await splitter.authority());
    const propose = splitter.interface.getFunction("propose").selector;
    const registerKey = verifier.interface.getFunction("registerKey").selector;
    for (const [account, proposes, registers] of [
      [operator, true, false],
      [admin, false, true],
      [stranger, false, false],
    ] as const) {
      expect((await manager.canCall(account, splitter, propose))[0]).to.equal(proposes);
      expect((await manager.canCall(account, verifier, registerKey))[0]).to.equal(registers);
    }
    for (const [account, pausing] of [
      [admin, true],
      [operator, false],
    ] as const)
      expect((await manager.canCall(account, pauses, pauses.interface.getFunction("setPaused").selector))[0]).to.equal(
        pausing,
      );
    expect(await manager.hasRole(GUARDIAN_ROLE, admin)).to.deep.equal([true, 0n]);
    expect(await manager.hasRole(OPERATOR_ROLE, operator)).to.deep.equal([true, 0n]);
  });

  it("has defaults for every parameter", async () => {
    const { operators, splitter, escrow } = await ignition.deploy(OpenLedger);
    expect(await splitter.bondFactor!()).to.equal(10n);
    expect([await operators.bound!(), await splitter.disputes!()]).to.deep.equal([false, ethers.ZeroAddress]);
    expect(await splitter.treasury!()).to.equal(admin.address);
    expect((await splitter.timing!()).challengeWindow).to.equal(24n * 3600n);
    expect(await escrow.thawPeriod!()).to.equal(2n * 24n * 3600n);
    expect(await operators.thawPeriod!()).to.equal(7n * 24n * 3600n);
  });

  it("keeps every contract below the size limit", async () => {
    const { operators, datanets, models, attribution, verifier, splitter, escrow } =
      await networkHelpers.loadFixture(deployed);
    for (const contract of [operators, datanets, models, attribution, verifier, splitter, escrow])
      expect(ethers.dataLength(await ethers.provider.getCode(contract))).to.be.lessThan(24_576);
  });
});
