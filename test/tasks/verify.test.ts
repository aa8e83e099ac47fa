import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { Interface } from "ethers";
import hre from "hardhat";
import { abi } from "../../sdk/abi.ts";
import { deploy } from "../../tasks/deploy.ts";
import type { Deployment } from "../../tasks/deployment.ts";
import { addresses, printed, refused, run, useTasks } from "../support/tasks.ts";

/** What a deployment over HTTP writes, since a chain inside the process has no journal to take it from. */
async function deployOverHttp(path: string) {
  const server = await hre.network.createServer("default", "127.0.0.1", 0);
  const { address, port } = await server.listen();
  const connection = await hre.network.create({ network: "local", override: { url: `http://${address}:${port}` } });
  const { log } = console;
  try {
    console.log = () => {};
    const there = Object.assign(Object.create(hre), { network: { getOrCreate: async () => connection } });
    await deploy({ json: true, account: 0, addresses: path, module: undefined, parameters: undefined }, there);
  } finally {
    console.log = log;
    await connection.close();
    await server.close();
  }
}

/** An explorer that answers what a test says, by the address of the contract, and keeps what it was sent. */
class Explorer {
  readonly sent = new Map<string, URLSearchParams>();
  readonly asked: URLSearchParams[] = [];
  /** Answers to come, first to last; the last one stays. */
  readonly answers = new Map<string, { status: string; result: string | null; message?: string }[]>();
  readonly #server: Server = createServer(async (request, response) => {
    const { searchParams } = new URL(request.url!, "http://explorer");
    this.asked.push(searchParams);
    let body = "";
    for await (const part of request) body += part;
    const form = new URLSearchParams(body);
    const of = searchParams.get("guid") ?? form.get("contractaddress")!;
    if (request.method === "POST") this.sent.set(of, form);
    const key = `${searchParams.get("action")} ${of}`;
    const answers = this.answers.get(key) ?? [
      searchParams.get("guid") ? { status: "1", result: "Pass - Verified" } : { status: "1", result: of },
    ];
    const answer = answers.length > 1 ? answers.shift() : answers[0];
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ message: "", ...answer }));
  });

  async listen(): Promise<string> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/api`;
  }

  close(): void {
    this.#server.close();
  }
}

describe("Verification of sources by an explorer", function () {
  this.timeout(300_000);
  useTasks();

  let explorer: Explorer;
  let args: Record<string, unknown>;
  let there: Deployment;
  const deployed = () => JSON.parse(readFileSync(addresses, "utf8"));
  const results = () =>
    Object.fromEntries(
      JSON.parse(printed.at(-1)!).contracts.map((one: Record<string, string>) => [one.contract, one.result]),
    );

  before(async () => {
    const folder = mkdtempSync(join(tmpdir(), "openledger-verify-"));
    await deployOverHttp(join(folder, "there.json"));
    there = JSON.parse(readFileSync(join(folder, "there.json"), "utf8"));
    rmSync(folder, { recursive: true });
  });
  beforeEach(async () => {
    await run("deploy");
    writeFileSync(addresses, JSON.stringify({ ...deployed(), constructors: there.constructors }));
    explorer = new Explorer();
    args = { api: await explorer.listen(), apiKey: "secret", poll: 0 };
  });
  afterEach(() => explorer.close());

  it("is asked for every contract, with its sources, compiler and constructor's arguments", async () => {
    const { contracts, message } = await run("deployment:verify", args);
    expect(message).to.equal("14 of 14 contracts are verified.");
    expect(contracts.every(({ result }: { result: string }) => result === "verified")).to.equal(true);
    const { addresses: at, constructors } = deployed();
    const form = Object.fromEntries(explorer.sent.get(at.splitter)!);
    expect(form).to.include({
      codeformat: "solidity-standard-json-input",
      contractname: "project/contracts/rewards/RewardSplitter.sol:RewardSplitter",
      constructorArguments: constructors.splitter.slice(2),
    });
    expect(form.compilerversion).to.match(/^v0\.8\.37\+commit\.[0-9a-f]{8}$/);
    const input = JSON.parse(form.sourceCode!);
    expect(input.language).to.equal("Solidity");
    expect(input.sources["project/contracts/rewards/RewardSplitter.sol"].content).to.equal(
      readFileSync("contracts/rewards/RewardSplitter.sol", "utf8"),
    );
    expect(explorer.asked.every((one) => one.get("apikey") === "secret" && one.get("chainid") === "31337")).to.equal(
      true,
    );
    // The splitter made the escrow itself: no transaction has its arguments.
    const escrow = new Interface(abi("escrow")).encodeDeploy([1200, there.addresses.pauses]);
    expect(`0x${explorer.sent.get(at.escrow)!.get("constructorArguments")}`).to.equal(escrow);
  });

  it("is waited for while it is pending, and believed when it knew before", async () => {
    const { addresses: at } = deployed();
    const answer = (
      action: string,
      name: string,
      ...results: [status: string, result: string | null, message?: string][]
    ) =>
      explorer.answers.set(
        `${action} ${at[name]}`,
        results.map(([status, result, message = ""]) => ({ status, result, message })),
      );
    answer(
      "checkverifystatus",
      "splitter",
      ["0", "Pending in queue"],
      ["0", "Pending in queue"],
      ["1", "Pass - Verified"],
    );
    answer("verifysourcecode", "escrow", ["0", "Contract source code already verified"]);
    answer("verifysourcecode", "models", ["0", null, "Smart-contract already verified."]);
    answer("checkverifystatus", "datanets", ["0", "Already Verified"]);
    answer(
      "verifysourcecode",
      "verifier",
      ["0", `Unable to locate ContractCode at ${at.verifier}`],
      ["1", at.verifier],
    );
    await run("deployment:verify", args);
    expect(results()).to.include({
      splitter: "verified",
      escrow: "verified before",
      models: "verified before",
      datanets: "verified before",
      verifier: "verified",
    });
    expect(explorer.asked.filter((one) => one.get("guid") === at.splitter)).to.have.length(3);
  });

  it("fails for some contracts only, which are named, and can be asked for those again", async () => {
    const { addresses: at } = deployed();
    explorer.answers.set(`checkverifystatus ${at.splitter}`, [{ status: "0", result: "Fail - Unable to verify" }]);
    explorer.answers.set(`verifysourcecode ${at.pauses}`, [{ status: "0", result: "Invalid API Key" }]);
    const message = await refused("deployment:verify", args);
    expect(message)
      .to.match(/Not verified: .*VERIFICATION_FAILED/)
      .and.to.contain("--contracts");
    expect(results()).to.deep.include({ escrow: "verified" });
    expect(results().splitter).to.match(/Fail - Unable to verify/);
    expect(results().pauses).to.match(/Invalid API Key/);
    explorer.answers.clear();
    const { contracts } = await run("deployment:verify", { ...args, contracts: "splitter, pauses" });
    expect(contracts).to.have.length(2);
  });

  it("is asked nothing that cannot be right", async () => {
    expect(await refused("deployment:verify", { ...args, api: undefined })).to.match(/api: .*API_MISSING/);
    expect(await refused("deployment:verify", { ...args, contracts: "none" })).to.match(
      /contracts: .*CONTRACT_UNKNOWN/,
    );
    const file = deployed();
    writeFileSync(
      addresses,
      JSON.stringify({ ...file, addresses: { ...file.addresses, models: file.addresses.pauses } }),
    );
    expect(await refused("deployment:verify", args)).to.match(/code of models.*CODE_DIFFERS/);
    writeFileSync(addresses, JSON.stringify({ ...file, constructors: undefined }));
    expect(await refused("deployment:verify", args)).to.match(/addresses: .*CONSTRUCTORS_MISSING/);
    expect(explorer.asked).to.deep.equal([]);
    writeFileSync(addresses, JSON.stringify(file));
    explorer.close();
    await refused("deployment:verify", { ...args, contracts: "models" });
    expect(results().models)
      .to.match(/api: .* does not answer/)
      .and.to.not.contain("secret");
  });
});
