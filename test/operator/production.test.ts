import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { OPERATOR_KEY, TOKEN_ENV } from "../../prover/daemon/config.ts";
import { doctor } from "../../prover/daemon/doctor.ts";
import { exportedCeremony } from "../support/ceremony.ts";
import type { Program } from "../support/program.ts";
import { ACCOUNTS, privateKey, program, TOKEN, World } from "./world.ts";

describe("the operator on a chain that takes no development keys", () => {
  let world: World;
  let keys: string;
  let running: Program | undefined;

  before(async () => {
    process.env[OPERATOR_KEY] = privateKey(ACCOUNTS.operator);
    process.env[TOKEN_ENV] = TOKEN;
    const { folder, exported } = await exportedCeremony();
    keys = folder;
    world = await World.start(exported);
  });
  after(async () => {
    await running?.stop();
    delete process.env[OPERATOR_KEY];
    delete process.env[TOKEN_ENV];
    await world.close();
  });

  it("needs a folder of exported keys, and finds nothing wrong with one", async () => {
    const wrong = async (changes: object) => (await doctor(world.config(changes))).filter(({ ok }) => !ok);
    for (const changes of [{}, { keys: "nowhere" }]) {
      const [finding] = await wrong(changes);
      expect(finding!.detail).to.match(/keys: chain \d+ needs production proving keys.*OPERATOR_CHAIN/);
    }
    expect(await wrong({ keys })).to.deep.equal([]);
    const [missing] = await wrong({ keys: world.folder, models: [String(world.modelId)] });
    expect(missing!.detail).to.match(/no proving key.*KEY_UNKNOWN/);
  });

  it("proves and settles an epoch, which anyone can verify, under the key of a ceremony", async () => {
    const config = world.configFile({ keys });
    running = program("bin/openledger.ts", ["operator", "run", "--config", config]);
    const epochId = await world.sell();
    await world.until(epochId, ({ closedAt }) => closedAt !== 0n, "closed");
    await world.redeem(epochId);
    await world.until(epochId, ({ proposedAt }) => proposedAt !== 0n, "proposed");
    await world.chain.wait(61);
    await world.until(epochId, ({ settledAt }) => settledAt !== 0n, "settled");
    const { splitter } = world;
    const [settled] = await splitter.queryFilter(splitter.filters.EpochSettled(world.modelId, epochId));
    expect(settled!.args.totals.length, "settled by proof: 8 bytes a contributor").to.equal(2 + 2 * 8 * 3);

    const addresses = join(world.folder, "addresses.json");
    writeFileSync(addresses, JSON.stringify(world.chain.addresses));
    const which = ["--model", String(world.modelId), "--epoch", String(epochId), "--addresses", addresses];
    const where = ["--content", join(world.folder, "content"), "--rpc", world.chain.url];
    const verified = program("bin/openledger.ts", ["verify", ...which, ...where, "--keys", keys]);
    expect((await verified.ended).code, verified.output).to.equal(0);
    expect(verified.output)
      .to.match(/holds +commitments/)
      .and.to.match(/holds +proof/)
      .and.not.to.contain("DEVELOPMENT");
    const without = program("bin/openledger.ts", ["verify", ...which, ...where]);
    expect((await without.ended).code).to.equal(2);
    expect(without.output).to.match(/KEY_UNKNOWN/);
  });
});
