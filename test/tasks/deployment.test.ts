import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import hre from "hardhat";
import { readParameters } from "../../deploy/parameters.ts";
import { accessManager, protocol } from "../../sdk/contracts.ts";
import { deploy } from "../../tasks/deploy.ts";
import { addresses, folder, idle, printed, refused, run, useTasks } from "../support/tasks.ts";
import { admin, ethers, networkHelpers, operator, stranger } from "../support/world.ts";

const MULTISIG = stranger.address;

describe("Deployment by tasks", () => {
  useTasks();

  const deployed = () => JSON.parse(readFileSync(addresses, "utf8")).addresses;
  const own = () => protocol(deployed(), admin);
  const production = (changes: object = {}) => {
    const path = join(folder, "parameters.json5");
    const { OpenLedger } = readParameters("deploy/parameters/local.json5");
    const parameters = {
      OpenLedger: { ...OpenLedger, operator: operator.address, bondToken: MULTISIG, ...changes },
      Production: { admin: MULTISIG, adminDelay: 3600 },
    };
    writeFileSync(path, `// A comment\n${JSON.stringify(parameters)}`);
    return path;
  };
  /** The names of the checks that differ. */
  const drift = async (args: Record<string, unknown> = {}): Promise<string[]> => {
    const message = await refused("deployment:check", args);
    const { checks } = JSON.parse(printed.at(-1)!);
    const names = checks.filter(({ ok }: { ok: boolean }) => !ok).map(({ check }: { check: string }) => check);
    expect(message).to.match(names.length > 0 ? /DEPLOYMENT_DRIFT/ : /no error/);
    return names;
  };

  it("goes once, and says so the second time", async () => {
    await run("deploy");
    const file = readFileSync(addresses, "utf8");
    const again = await idle("deploy");
    expect(again).to.include({ deployed: false });
    expect(again.message).to.match(/Already deployed, nothing sent/);
    expect(readFileSync(addresses, "utf8")).to.equal(file);
  });

  it("shows its steps in a dry run, and sends nothing", async () => {
    const { steps } = await idle("deploy", { dryRun: true });
    expect(steps.map(({ step }: { step: string }) => step)).to.include.members([
      "OpenLedger#RewardSplitter",
      "OpenLedger#TestToken",
    ]);
    expect(existsSync(addresses)).to.equal(false);
  });

  it("is what its parameters say, and nothing of it drifts unseen", async () => {
    await run("deploy");
    const { message, rolesOfDeployer, checks } = await run("deployment:check");
    expect(message).to.match(/still the admin/);
    expect(rolesOfDeployer).to.equal("admin, operator, guardian, auditor");
    expect(checks.length).to.be.greaterThan(50);

    const manager = await accessManager(own());
    await manager.grantRole(0, MULTISIG, 60);
    expect(await drift()).to.deep.equal(["role admin"]);
    await manager.revokeRole(0, MULTISIG);
    await manager.grantRole(1, admin, 60);
    expect(await drift()).to.deep.equal(["role operator"]);
    await manager.grantRole(1, admin, 0);
    await networkHelpers.time.increase(60);
    expect(await drift()).to.deep.equal([]);
    await manager.setGrantDelay(2, 600);
    await networkHelpers.time.increase(6 * 86_400);
    await manager.setTargetClosed(deployed().pauses, true);
    await manager.setRoleGuardian(1, 2);
    const setTokens = own().splitter.interface.getFunction("setTokens").selector;
    await manager.setTargetFunctionRole(deployed().splitter, [setTokens], 2);
    await manager.grantRole(7, MULTISIG, 0);
    expect(await drift()).to.have.members([
      "grant delay of guardian",
      "pauses open",
      "guardian of operator",
      "splitter.setTokens",
      "role 7",
    ]);
  });

  it("is held against the tokens, times, bonds and committee of the parameters", async () => {
    await run("deploy");
    await own().splitter.setTokens([MULTISIG], true);
    expect(await drift()).to.deep.equal(["tokens"]);
    const timing = { ...readParameters("deploy/parameters/local.json5").OpenLedger.timing, redeemWindow: 59 };
    const parameters = production({
      tokens: [MULTISIG],
      timing,
      thawPeriod: 1,
      bondFactor: 9,
      quorum: 2,
      demandBps: 9,
    });
    expect(await drift({ parameters })).to.have.members([
      ...["timing.redeemWindow", "thawPeriod", "bondFactor", "bondToken", "quorum", "demandBps"],
      ...["role admin", "role operator"],
    ]);
  });

  it("knows contracts of other code, and contracts that belong to another deployment", async () => {
    await run("deploy");
    const first = JSON.parse(readFileSync(addresses, "utf8"));
    await run("deploy", { addresses: join(folder, "second.json") });
    const second = JSON.parse(readFileSync(join(folder, "second.json"), "utf8"));
    const mix = (changes: object) =>
      writeFileSync(addresses, JSON.stringify({ ...first, addresses: { ...first.addresses, ...changes } }));
    mix({ pauses: second.addresses.operators });
    expect(await drift()).to.deep.equal(["code of pauses"]);
    mix({ escrow: second.addresses.escrow, datanets: second.addresses.datanets });
    expect(await drift()).to.have.members([
      ...["splitter.escrow", "escrow.splitter", "attribution.DATANETS"],
      ...["pauses in datanets", "pauses in escrow", "datanets in models"],
    ]);
    mix({ committee: second.addresses.committee });
    expect(await drift()).to.include.members(["disputes.committee", "committee.operators", "lockers"]);
  });

  it("leaves production to a multisig with a delay, and nothing to the deployer", async () => {
    const parameters = production();
    await run("deploy", { module: "Production", parameters });
    const { message, rolesOfDeployer } = await run("deployment:check", { parameters });
    expect(message).to.match(/The deployer is no admin/);
    expect(rolesOfDeployer).to.equal("guardian, auditor");
    expect(await drift()).to.include("role admin");
    const token = await ethers.deployContract("TestToken", ["Dollar", "USD", 6]);
    await expect(own().splitter.setTokens([token], true)).to.revertedWithCustomError(
      own().splitter,
      "AccessManagedUnauthorized",
    );
    const schedule = [
      deployed().splitter,
      own().splitter.interface.encodeFunctionData("setTokens", [[token.target as string], true]),
    ] as const;
    const manager = (await accessManager(own())).connect(stranger);
    await manager.schedule(...schedule, 0);
    await expect(manager.execute(...schedule)).to.revertedWithCustomError(manager, "AccessManagerNotReady");
    await networkHelpers.time.increase(3600);
    await manager.execute(...schedule);
    expect(await own().splitter.acceptsToken(token)).to.equal(true);
  });

  it("goes on where it stopped", async function () {
    this.timeout(300_000);
    const server = await hre.network.createServer("default", "127.0.0.1", 0);
    const { address, port } = await server.listen();
    const connection = await hre.network.create({ network: "local", override: { url: `http://${address}:${port}` } });
    const there = Object.assign(Object.create(hre), { network: { getOrCreate: async () => connection } });
    const setBalance = (ether: string) =>
      connection.provider.request({
        method: "hardhat_setBalance",
        params: [admin.address, ethers.toQuantity(ethers.parseEther(ether))],
      });
    const sent = async () =>
      Number(
        await connection.provider.request({ method: "eth_getTransactionCount", params: [admin.address, "latest"] }),
      );
    const args = { json: true, account: 0, addresses, module: undefined, parameters: undefined };
    try {
      await setBalance("0.02");
      await deploy(args, there).then(
        () => expect.fail("the money was enough"),
        (error: Error) => expect(error.message).to.match(/funds|balance/),
      );
      const before = await sent();
      const nonces = Array.from({ length: before }, (_, nonce) => nonce);
      const created = nonces.map((nonce) => ethers.getCreateAddress({ from: admin.address, nonce })).slice(0, 2);
      expect(created).to.have.length(2);
      expect(existsSync(addresses)).to.equal(false);
      await setBalance("100");
      await deploy(args, there);
      const { constructors, addresses: found } = JSON.parse(readFileSync(addresses, "utf8"));
      expect(Object.values(found)).to.include.members(created);
      expect(Object.keys(constructors)).to.have.members(Object.keys(found));
      const whole = await sent();
      const again = await ethers.provider.getTransactionCount(admin);
      await run("deploy", { addresses: join(folder, "elsewhere.json") });
      expect(whole).to.equal((await ethers.provider.getTransactionCount(admin)) - again);
    } finally {
      await connection.close();
      await server.close();
    }
  });

  it("takes parameters in JSON5, and says which is wrong", async () => {
    const path = join(folder, "wrong.json5");
    for (const [text, message] of [
      ["{", /PARAMETERS_INVALID/],
      ["{}", /no key OpenLedger/],
      ["{ OpenLedger: { thaw: 1 } }", /no parameter thaw\./],
      ["{ OpenLedger: { thawPeriod: '1 day' } }", /thawPeriod must be whole seconds/],
      ["{ OpenLedger: { operator: '0x1' } }", /operator must be an address/],
      ["{ OpenLedger: { timing: { epochLength: 1 } } }", /timing must be an object of epochLength, .* whole seconds/],
      ["{ OpenLedger: { auditorBond: '1' } }", /auditorBond must be a whole number/],
      ["{ OpenLedger: { quorum: 0 } }", /quorum must be a whole number from 1/],
      ["{ OpenLedger: { tauG2: [1] } }", /tauG2 must be a list of four/],
      ["{ OpenLedger: {}, Other: {} }", /no module Other/],
    ] as const) {
      writeFileSync(path, text);
      expect(await refused("deploy", { parameters: path }), text).to.match(message);
    }
    const example = readParameters("deploy/parameters/public.example.json5");
    expect(example.Production?.adminDelay).to.equal(2 * 86_400);
    expect(example.OpenLedger.timing?.challengeWindow).to.equal(86_400);
  });
});
