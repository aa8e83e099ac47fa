import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { Wallet } from "ethers";
import type { OperatorConfig } from "../../prover/daemon/config.ts";
import { parseConfig } from "../../prover/daemon/config.ts";
import { doctor } from "../../prover/daemon/doctor.ts";
import { Lock } from "../../prover/daemon/lock.ts";
import { ACCOUNTS, privateKey, program, TOKEN, World } from "./world.ts";

describe("setting an operator up", () => {
  let world: World;
  let config: OperatorConfig;

  before(async () => {
    world = await World.start();
    config = world.config();
  });
  beforeEach(() => {
    process.env.OPENLEDGER_OPERATOR_KEY = privateKey(ACCOUNTS.operator);
    process.env.OPENLEDGER_RECORDS_TOKEN = TOKEN;
  });
  afterEach(() => {
    for (const name of ["OPERATOR_KEY", "RECORDS_TOKEN", "KEYSTORE_PASSWORD"]) delete process.env[`OPENLEDGER_${name}`];
  });
  after(() => world.close());

  /** Checks that find something wrong, with what they say. */
  async function wrong(changed: OperatorConfig): Promise<Record<string, string>> {
    const findings = await doctor(changed);
    return Object.fromEntries(findings.filter(({ ok }) => !ok).map(({ check, detail }) => [check, detail]));
  }

  it("is begun by init, approved by doctor, and init overwrites nothing", async () => {
    const path = join(world.folder, "init.json");
    const addresses = join(world.folder, "31337.json");
    writeFileSync(addresses, JSON.stringify({ chainId: 31337, addresses: world.chain.addresses }));
    const openledger = async (...args: string[]) => {
      const started = program("bin/openledger.ts", ["operator", ...args, "--config", path]);
      return { code: (await started.ended).code, output: started.output };
    };
    const place = ["--rpc", world.chain.url, "--addresses", addresses, "--data", join(world.folder, "init-data")];
    const model = ["--content", join(world.folder, "content"), "--server", "http://127.0.0.1:8090"];
    expect((await openledger("init", ...place, ...model)).code).to.equal(0);
    const again = await openledger("init", ...place, ...model);
    expect([again.code, again.output.includes("OPERATOR_CONFIG_EXISTS")]).to.deep.equal([1, true]);
    expect(readFileSync(path, "utf8")).not.to.contain(privateKey(ACCOUNTS.operator).slice(2));
    const { code, output } = await openledger("doctor", "--json");
    expect(
      (JSON.parse(output) as { ok: boolean }[]).every(({ ok }) => ok),
      output,
    ).to.equal(true);
    expect(code).to.equal(0);
    const unset = program("bin/openledger.ts", ["operator", "doctor", "--config", path], {
      OPENLEDGER_OPERATOR_KEY: "",
    });
    expect((await unset.ended).code).to.equal(1);
    expect(unset.output).to.match(/key.*WRONG.*OPENLEDGER_OPERATOR_KEY is no private key/);
  });

  it("finds nothing wrong where nothing is", async () => {
    expect(await wrong(config)).to.deep.equal({});
  });

  it("finds a node that does not answer, another chain, and chains without production keys", async () => {
    const { rpc } = await wrong({ ...config, rpc: "http://127.0.0.1:9" });
    expect(rpc).to.match(/cannot be reached.*OPERATOR_RPC/);
    expect((await wrong({ ...config, chainId: 1n })).rpc).to.match(/is chain 31337, the configuration says 1/);
    const run = program("bin/openledger.ts", ["operator", "run", "--config", join(world.folder, "mainnet.json")]);
    writeFileSync(join(world.folder, "mainnet.json"), JSON.stringify({ ...world.configuration("data"), chainId: 1 }));
    expect((await run.ended).code).to.equal(1);
    expect(run.output).to.match(/needs production proving keys.*OPERATOR_CHAIN/);
  });

  it("finds an address without a contract", async () => {
    const addresses = { ...config.addresses, escrow: Wallet.createRandom().address };
    expect((await wrong({ ...config, addresses })).contracts).to.contain("no contract at addresses.escrow");
  });

  it("finds an account without role, without gas and without a bond", async () => {
    process.env.OPENLEDGER_OPERATOR_KEY = Wallet.createRandom().privateKey;
    const { role, balance, "model 1: bond": bond, ...others } = await wrong(config);
    expect(role).to.contain("may not propose");
    expect(balance).to.contain("has 0.0 ETH for gas");
    expect(bond).to.match(/has 0\.0 of token .* free.*operator:bond.*OPERATOR_BOND/);
    expect(others).to.deep.equal({});
  });

  it("finds sketches other than those registered, a model without any, and a missing token", async () => {
    const other = await world.addModel("other sketches", { manifestRows: new Int8Array(260 * 128).fill(1) });
    expect(await wrong(config)).to.have.all.keys(`model ${other}: sketches`);
    expect((await wrong(config))[`model ${other}: sketches`]).to.contain("OPERATOR_SKETCHES");
    expect(await wrong({ ...config, models: [world.modelId] })).to.deep.equal({});
    expect((await wrong({ ...config, models: [9n] }))["model 9: proving key"]).to.contain("has no commitment");
    const elsewhere = await wrong({ ...config, content: join(world.folder, "none"), models: [world.modelId] });
    expect(elsewhere["model 1: sketches"]).to.contain("CONTENT_MISSING");
    delete process.env.OPENLEDGER_RECORDS_TOKEN;
    expect((await wrong(config)).tokens).to.contain("OPENLEDGER_RECORDS_TOKEN is not set");
  });

  it("opens an encrypted keystore, and finds a wrong password", async () => {
    delete process.env.OPENLEDGER_OPERATOR_KEY;
    const keystore = join(world.folder, "keystore.json");
    const wallet = new Wallet(privateKey(ACCOUNTS.operator));
    writeFileSync(keystore, wallet.encryptSync("right"));
    expect((await wrong({ ...config, keystore })).key).to.contain("OPENLEDGER_KEYSTORE_PASSWORD");
    process.env.OPENLEDGER_KEYSTORE_PASSWORD = "wrong";
    expect((await wrong({ ...config, keystore })).key).to.contain("cannot be opened");
    process.env.OPENLEDGER_KEYSTORE_PASSWORD = "right";
    expect((await wrong({ ...config, keystore })).key).to.equal(undefined);
  });

  it("takes over the lock of a dead process, and leaves that of a living one", async () => {
    const dataDir = mkdtempSync(join(tmpdir(), "openledger-lock-"));
    const dead = program("bin/openledger.ts", ["--help"]);
    await dead.ended;
    writeFileSync(join(dataDir, "lock.json"), JSON.stringify({ pid: dead.child.pid }));
    const lock = await Lock.take(dataDir);
    const error = await Lock.take(dataDir).catch((cause: Error) => cause);
    expect(String(error)).to.match(new RegExp(`Process ${process.pid} holds .*OPERATOR_LOCKED`));
    const findings = await doctor({ ...config, dataDir });
    expect(findings.at(-1)!.detail).to.equal(`an operator runs, process ${process.pid}`);
    lock.release();
    rmSync(dataDir, { recursive: true });
  });

  const mistakes: [string, object, RegExp][] = [
    ["rpc", { rpc: "localhost" }, /rpc must be an http\(s\) address, not "localhost"/],
    ["an address", { addresses: { operators: "0x12" } }, /addresses\.operators must be an address, not "0x12"/],
    ["confirmations", { confirmations: 0 }, /confirmations must be a whole number of at least 1, not 0/],
    ["the servers", { servers: [] }, /servers must be a list with one entry or more/],
    ["a server's address", { servers: [{ url: "ftp://a" }] }, /servers\[0\]\.url must be an http/],
    ["a model", { models: [1] }, /models\[0\] must be an id as decimal text, not 1/],
    ["an unknown field", { privateKey: "0x" }, /privateKey must be left out/],
  ];
  for (const [what, changes, message] of mistakes)
    it(`names ${what} where the configuration is wrong`, () => {
      expect(() => parseConfig({ ...world.configuration("data"), ...changes }, world.folder)).to.throw(message);
    });
});
