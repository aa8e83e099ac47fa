import { cpSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import hre from "hardhat";
import { createHardhatRuntimeEnvironment } from "hardhat/hre";
import { INSTANCES } from "../../circuits/instances.ts";
import { tasks } from "../../tasks/index.ts";
import { exportedCeremony } from "../support/ceremony.ts";
import { knownTauPowers } from "../support/known-tau.ts";
import { addresses, folder, idle, known, refused, run, useTasks } from "../support/tasks.ts";
import { deployed } from "../support/world.ts";

describe("Tasks of a key ceremony", function () {
  this.timeout(300_000);
  useTasks();

  const at = (name: string) => join(folder, name);
  const keys = () => at("keys");
  let powers: { powers: string; powersHash: string };

  before(async () => {
    const { path, blake2b } = await knownTauPowers(INSTANCES.r210.domainPower);
    powers = { powers: path, powersHash: blake2b };
  });

  it("goes from powers of tau to a registered key", async () => {
    const circuit = { chunkRows: 210, ...powers };
    const { tauG2 } = await run("zk:setup", { next: at("0"), ...circuit });
    const alice = await run("zk:contribute", { previous: at("0"), next: at("1"), name: "Alice" });
    expect(await refused("zk:verify", { key: at("1"), ...circuit })).to.match(/CEREMONY_BEACON/);
    const checked = await run("zk:verify", { key: at("1"), unfinished: true, ...circuit });
    expect(checked.contributions).to.deep.equal([{ name: "Alice", hash: alice.hash, beacon: "" }]);
    await run("zk:beacon", { previous: at("1"), next: at("2"), value: "0b0b", iterations: 10 });
    const exported = await run("zk:export", { key: at("2"), keys: keys(), ...circuit });
    expect(exported).to.deep.include({ folder: join(keys(), exported.vkId), tauG2, published: false });
    expect(exported.contributions[1].beacon).to.equal("0b0b, 2^10 hashes");
    expect(await run("zk:verify", { key: exported.folder, ...circuit })).to.include({ vkId: exported.vkId });

    await known({ ...(await deployed()), modelId: 0n, id: "" });
    const key = { key: exported.folder, ...powers };
    expect(await refused("verifier:register", key)).to.match(/registry was deployed with other powers.*KEY_POWERS/);
    rmSync(addresses);
    writeFileSync(
      at("parameters.json"),
      JSON.stringify({ OpenLedger: { tauG2: tauG2.map((word: string) => `${word}n`) } }),
    );
    await run("deploy", { parameters: at("parameters.json") });
    expect(await refused("verifier:register", { ...key, powersHash: "00" })).to.match(/POWERS_HASH/);
    expect(await run("verifier:register", key)).to.include({ vkId: exported.vkId, chunkRows: 210 });
    await idle("verifier:register", key);
  });

  it("refuses to register a key that was changed, and development keys off their chain", async () => {
    const { exported } = await exportedCeremony();
    await known({ ...(await deployed()), modelId: 0n, id: "" });
    const copy = at("copy");
    cpSync(join(exported.key.zkey, ".."), copy, { recursive: true });
    const manifest = join(copy, "manifest.json");
    const { chunkRows, ...rest } = JSON.parse(readFileSync(manifest, "utf8"));
    const { verifyingKey: constants } = rest;
    constants.alpha1.reverse();
    writeFileSync(manifest, JSON.stringify({ chunkRows, ...rest }));
    expect(await refused("verifier:register", { key: copy, ...powers })).to.match(/other constants.*KEY_FOLDER/);
    expect(await refused("verifier:register", { key: at("none"), ...powers })).to.match(/KEY_FOLDER/);
    expect(await refused("zk:verify", { key: at("none"), ...powers })).to.match(/key: there is no .*FILE_MISSING/);
    expect(await refused("zk:setup", { next: at("0"), chunkRows: 210, powers: powers.powers })).to.match(/POWERS_HASH/);

    const networks = { default: { type: "edr-simulated", chainType: "l1", chainId: 1 } } as const;
    const { plugins, paths } = hre.userConfig;
    const elsewhere = await createHardhatRuntimeEnvironment({
      plugins: plugins ?? [],
      paths: paths ?? {},
      tasks,
      networks,
    });
    const asked = elsewhere.tasks.getTask("verifier:register").run({ addresses, json: true, chunkRows: 210 });
    expect(await asked.catch((error: Error) => error.message)).to.match(/chain 1 takes none.*KEY_DEVELOPMENT/);
  });
});
