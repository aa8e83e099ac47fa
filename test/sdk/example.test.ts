import { execFile } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect } from "chai";
import { HDNodeWallet } from "ethers";
import { decodeEvents } from "../../sdk/events.ts";
import {
  closeEpoch,
  contributors,
  customer,
  ethers,
  networkHelpers,
  operator,
  proposal,
  type Ready,
  ready,
  server,
  TIMING,
  vector,
} from "../support/world.ts";

const GUIDE = readFileSync("docs/sdk.md", "utf8");

/** A block of TypeScript of the guide, by its name. */
const block = (name: string): string => GUIDE.match(new RegExp(`\`\`\`ts ${name}\n([^]*?)\`\`\``))![1]!;

/** Key of a ready-made account, as Hardhat publishes it. */
const key = (index: number): string =>
  HDNodeWallet.fromPhrase("test test test test test test test test test test test junk", "", `m/44'/60'/0'/0/${index}`)
    .privateKey;

describe("The guide to the SDK", function () {
  this.timeout(60_000);
  let folder: string;
  let rpc: string;
  let world: Ready;

  // This process's chain, for the programs of the guide.
  const bridge = createServer(async (request, response) => {
    let body = "";
    for await (const part of request) body += part;
    const asked = JSON.parse(body);
    const answers = await Promise.all(
      [asked].flat().map(async ({ id, method, params }) => ({
        ...{ jsonrpc: "2.0", id },
        ...(await ethers.provider.send(method, params ?? []).then(
          (result) => ({ result }),
          ({ message }: Error) => ({ error: { code: -32000, message } }),
        )),
      })),
    );
    response.end(JSON.stringify(Array.isArray(asked) ? answers : answers[0]));
  });

  before(async () => {
    bridge.listen(0, "127.0.0.1");
    await once(bridge, "listening");
    rpc = `http://127.0.0.1:${(bridge.address() as AddressInfo).port}`;
    world = await networkHelpers.loadFixture(ready);
    folder = mkdtempSync(join(tmpdir(), "openledger-guide-"));
    mkdirSync(join(folder, "deployments"));
    writeFileSync(join(folder, "deployments/31337.json"), JSON.stringify({ addresses: world.addresses }));
  });
  after(() => {
    bridge.close();
    bridge.closeAllConnections();
    rmSync(folder, { recursive: true });
  });

  /** Runs a block as the guide says, beside its deployment; gives what it prints. */
  async function run(name: string, env: Record<string, string>): Promise<string> {
    mkdirSync(".local", { recursive: true });
    const program = join(process.cwd(), `.local/guide-${process.pid}-${name}.ts`);
    writeFileSync(program, block(name));
    try {
      const options = { cwd: folder, env: { ...process.env, ...env, OPENLEDGER_RPC: rpc } };
      return (await promisify(execFile)(process.execPath, [program], options)).stdout;
    } finally {
      rmSync(program);
    }
  }

  it("quotes, pays, reads what was attributed, and claims", async () => {
    const { escrow, splitter, token } = world;
    await token.mint(customer, 10_000_000n);
    await escrow.connect(customer).startWithdrawal(token, 1_000_000n); // nothing is available: it must deposit
    const paid = await run("pay", { CUSTOMER_KEY: key(5), SERVER: server.address });
    expect(paid).to.match(/^At most 4 units of TUSD\.$/m);
    const { voucher, signature } = JSON.parse(paid.trim().split("\n").at(-1)!);
    expect(await escrow.available(customer, token)).to.equal(4n);
    await escrow.connect(server).redeem(voucher, signature, 4n);

    await closeEpoch(world);
    await networkHelpers.time.increase(TIMING.redeemWindow);
    await splitter.connect(operator).propose(...(await proposal(world, 1n, 0n, vector(0n))));
    await networkHelpers.time.increase(TIMING.challengeWindow);
    const { q } = (await splitter.queryFilter(splitter.filters.EpochProposed(1n, 0n)))[0]!.args;
    const sent = await splitter.settleByBase(1n, 0n, operator, q, []);
    const settled = decodeEvents((await sent.wait())!.logs, world.addresses);
    expect(settled.map(({ contract, name }) => `${contract}.${name}`)).to.include("splitter.EpochSettled");

    const claimed = await run("claim", { CONTRIBUTOR_KEY: key(9) });
    expect(claimed).to.match(/^Epoch 0, by base weights: 0, 1, 0$/m);
    expect(claimed).to.include(`${contributors[1]!.address}: 5 rows, earned 0.000001, 1 units to claim`);
    expect(claimed).to.include(`splitter.Claimed: ${contributors[1]!.address} was paid 1`);
    expect(await token.balanceOf(contributors[1]!)).to.equal(1n);
    expect(await run("claim", { CONTRIBUTOR_KEY: key(9) })).to.not.include("was paid");
  });
});
