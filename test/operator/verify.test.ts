import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { type EventFragment, type Interface, JsonRpcProvider, type Result } from "ethers";
import { devSrs } from "../../circuits/setup/dev.ts";
import { TOKEN_ENV } from "../../prover/daemon/config.ts";
import { ProofStore } from "../../prover/daemon/proofs.ts";
import { ReceiptsStore } from "../../prover/daemon/receipts.ts";
import { Steps } from "../../prover/daemon/steps.ts";
import { verifySettlement } from "../../prover/verify.ts";
import type { Content } from "../../sdk/content.ts";
import { ContentStore } from "../../sdk/content-store.ts";
import { protocol } from "../../sdk/contracts.ts";
import { mined } from "../../sdk/transactions.ts";
import { integers } from "../support/samples.ts";
import { ACCOUNTS, program, TOKEN, World } from "./world.ts";

type Lie = (method: string, result: unknown, params: unknown) => unknown;
type Log = { topics: string[]; data: string };
type Chunk = { y: bigint; pA: bigint[]; pC: bigint[] };
type Proof = { chunks: Chunk[]; opening: bigint[] };

/** A node that changes what the chain says. */
class LyingProvider extends JsonRpcProvider {
  readonly #lie: Lie;

  constructor(url: string, lie: Lie) {
    super(url, 31337, { staticNetwork: true, cacheTimeout: -1 });
    this.#lie = lie;
  }

  override async send(method: string, params: Record<string, unknown>): Promise<unknown> {
    return this.#lie(method, await super.send(method, params), params);
  }
}

describe("verifying a settlement from scratch", () => {
  let world: World;
  let store: ContentStore;

  /** Sells, proposes and settles an epoch. */
  async function settle(how: (steps: Steps, epochId: bigint) => Promise<void>): Promise<void> {
    const { chain, modelId } = world;
    const operator = chain.as(ACCOUNTS.operator);
    const account = await chain.account(ACCOUNTS.operator).getAddress();
    const proofs = new ProofStore(join(world.folder, "proofs"));
    const kept = new ReceiptsStore(join(world.folder, "receipts"));
    const steps = new Steps(operator, account, store, world.config(), proofs, kept, () => {});
    const epochId = await world.sell();
    await mined(chain.as(0).splitter.openEpoch(modelId));
    await world.redeem(epochId);
    await steps.propose(modelId, epochId);
    await chain.wait(61);
    await how(steps, epochId);
  }

  const proven = async (steps: Steps, epochId: bigint) => {
    await steps.prove(world.modelId, epochId);
    await steps.settle(world.modelId, epochId);
  };

  before(async () => {
    process.env[TOKEN_ENV] = TOKEN;
    world = await World.start();
    store = new ContentStore(join(world.folder, "content"));
    await settle(proven);
    await settle(proven);
    world.sketch = () => new Int8Array(128);
    await settle((steps, epochId) => steps.settleByBase(world.modelId, epochId));
  });
  after(async () => {
    delete process.env[TOKEN_ENV];
    await world.close();
  });

  /** Checks by their result, as a node that lies and a store that lies let them come out. */
  async function verify(epochId: bigint, lie: Lie = (_, result) => result, content: Content = store) {
    const provider = new LyingProvider(world.chain.url, lie);
    const at = protocol(world.chain.addresses, provider);
    const findings = await verifySettlement(at, content, (_, rows) => devSrs(rows), world.modelId, epochId);
    provider.destroy();
    const having = (wanted: string) => findings.filter(({ result }) => result === wanted).map(({ check }) => check);
    return { holds: having("holds"), wrong: having("WRONG"), skipped: having("not checked") };
  }

  const ALL = [
    ...["fees", "rows and owners", "published sketches", "base weights", "commitments", "registration"],
    ...["Q", "receipts", "totals", "proof", "shares"],
  ];

  const interfaceOf = (contract: "splitter" | "escrow") => world.chain.as(0)[contract].interface as Interface;
  const eventOf = (abi: Interface, name: string): EventFragment => abi.getEvent(name)!;

  /** Changes the data of an event of the splitter or escrow. */
  const inEvent =
    (contract: "splitter" | "escrow", name: string, change: (log: Log) => Log | undefined): Lie =>
    (method, result) => {
      if (method !== "eth_getLogs") return result;
      const { topicHash } = eventOf(interfaceOf(contract), name);
      return (result as Log[]).flatMap((log) => (log.topics[0] === topicHash ? (change(log) ?? []) : log));
    };

  /** The event with one argument changed. */
  const edited = <T>(name: string, argument: string, change: (value: T) => unknown) =>
    inEvent("splitter", name, (log) => {
      const abi = interfaceOf("splitter");
      const event = eventOf(abi, name);
      const args = abi.decodeEventLog(event, log.data, log.topics).toObject();
      const values = event.inputs.map((one) => (one.name === argument ? change(args[one.name]) : args[one.name]));
      return { ...log, ...abi.encodeEventLog(event, values) };
    });

  it("finds that everything holds, again for a later epoch, and that claims are what was earned", async () => {
    expect(await verify(0n)).to.deep.equal({ holds: ALL, wrong: [], skipped: ["claims"] });
    expect(await verify(1n)).to.deep.equal({ holds: ALL, wrong: [], skipped: ["claims"] });
  });

  it("says what base weights leave unproven, and checks the rest", async () => {
    expect(await verify(2n)).to.deep.equal({
      holds: [...ALL.filter((check) => check !== "totals" && check !== "proof"), "claims"],
      wrong: [],
      skipped: ["totals", "proof"],
    });
  });

  it("finds totals that were shifted between contributors, and what was paid by them", async () => {
    const shift = edited("EpochSettled", "totals", (totals: string) => {
      if (totals === "0x") return totals;
      const numbers = totals
        .slice(2)
        .match(/.{16}/g)!
        .map((hex) => BigInt(`0x${hex}`));
      const moved = numbers.map((total, c) => total + (c === 0 ? 100_000n : c === 1 ? -100_000n : 0n));
      return `0x${moved.map((total) => total.toString(16).padStart(16, "0")).join("")}`;
    });
    expect((await verify(1n, shift)).wrong).to.deep.equal(["totals", "shares"]);
  });

  it("finds earnings that are not the shares of the pot", async () => {
    const more = edited("EpochSettled", "cumulative", (cumulative: bigint[]) =>
      cumulative.map((amount, c) => (c === 2 ? amount + 1n : amount)),
    );
    expect((await verify(0n, more)).wrong).to.deep.equal(["shares"]);
    expect((await verify(2n, more)).wrong).to.deep.equal(["claims"]);
  });

  it("finds a Q that is not V's, and a redemption that is missing", async () => {
    const other = edited("EpochProposed", "v", (v: bigint[]) =>
      v.map((entry, j) => (j === 0 ? 3n * entry + 1n : entry)),
    );
    expect((await verify(0n, other)).wrong).to.deep.equal(["Q", "receipts"]);
    let dropped = false;
    const missing = inEvent("escrow", "VoucherRedeemed", (log) => {
      if (dropped) return log;
      dropped = true;
      return undefined;
    });
    expect((await verify(0n, missing)).wrong).to.deep.equal(["fees"]);
  });

  it("finds base weights that are not the lengths of the published rows, and whom they paid", async () => {
    const abi = world.chain.as(0).attribution.interface as Interface;
    const { selector } = abi.getFunction("baseWeights")!;
    const shifted: Lie = (method, result, params) => {
      if (method !== "eth_call" || !JSON.stringify(params).includes(`"${selector}`)) return result;
      const [first, second, ...rest] = [...abi.decodeFunctionResult("baseWeights", result as string)[0]] as bigint[];
      return abi.encodeFunctionResult("baseWeights", [[first! + 50n, second! - 50n, ...rest]]);
    };
    expect((await verify(2n, shifted)).wrong).to.deep.equal(["base weights", "registration", "shares"]);
  });

  /** Changes argument `index` of the transactions that call `name`. */
  const inCall =
    <T>(name: "propose" | "settle", index: number, change: (value: T) => unknown): Lie =>
    (method, result) => {
      if (method !== "eth_getTransactionByHash") return result;
      const sent = result as { input: string };
      const abi = interfaceOf("splitter");
      if (!sent.input.startsWith(abi.getFunction(name)!.selector)) return result;
      const args: unknown[] = [...abi.decodeFunctionData(name, sent.input)];
      args[index] = change((args[index] as Result).toObject(true) as T);
      return { ...sent, input: abi.encodeFunctionData(name, args) };
    };

  it("finds a last receipt that is not the one under the root", async () => {
    const changed = inCall("propose", 5, (last: { fee: bigint }) => ({ ...last, fee: last.fee + 1n }));
    expect((await verify(0n, changed)).wrong).to.deep.equal(["receipts"]);
  });

  it("finds a proof with another opening, a value of r or more, or a point off the curve", async () => {
    const inProof = (change: (proof: Proof) => unknown): Lie => inCall("settle", 5, change);
    const chunk = (changes: Partial<Chunk>) =>
      inProof(({ chunks: [first, ...rest], opening }) => ({ chunks: [{ ...first, ...changes }, ...rest], opening }));
    const lies = [
      inProof((proof) => ({ ...proof, opening: [1n, 2n] })),
      inProof((proof) => ({ ...proof, opening: [1n, 1n] })),
      chunk({ y: 21888242871839275222246405745257275088548364400416034343698204186575808495617n }),
      chunk({ pA: [1n, 3n] }),
      chunk({ pC: [1n, 2n] }),
    ];
    for (const lie of lies) expect((await verify(0n, lie)).wrong).to.deep.equal(["proof"]);
  });

  it("finds sketches that are not those registered, and commits none of them", async () => {
    const manifest = JSON.parse(
      Buffer.from(await store.get((await world.chain.as(0).models.manifest(world.modelId)).manifestCid)).toString(),
    );
    const other: Content = {
      put: (bytes) => store.put(bytes),
      get: async (id) => {
        const bytes = await store.get(id);
        return id === manifest.sketches.rows ? bytes.map((byte, i) => (i === 5 ? byte ^ 1 : byte)) : bytes;
      },
    };
    const { wrong, skipped } = await verify(0n, undefined, other);
    expect(wrong).to.deep.equal(["published sketches"]);
    expect(skipped).to.deep.equal(["base weights", "commitments", "totals", "claims"]);
  });

  it("and the operator follow each epoch's own release once the model is retrained", async () => {
    world.sketch = (epochId, length) => integers(`query ${epochId} ${length}`, 128, 9);
    const { splitter, modelId } = world;
    const retrained = await world.retrain();
    await settle(proven); // epoch 3, opened before
    await settle(proven); // epoch 4, opened since
    expect((await splitter.epoch(modelId, 3n)).commitmentId).to.equal(world.commitmentId);
    expect((await splitter.epoch(modelId, 4n)).commitmentId).to.equal(retrained);
    const holds = [...ALL, "claims"];
    expect(await verify(3n)).to.deep.equal({ holds, wrong: [], skipped: [] });
    expect(await verify(4n)).to.deep.equal({ holds, wrong: [], skipped: [] });
  });

  it("is a command: a report, JSON, and exit codes 0, 1 and 2", async () => {
    const addresses = join(world.folder, "addresses.json");
    writeFileSync(addresses, JSON.stringify(world.chain.addresses));
    const run = async (...args: string[]) => {
      const started = program("bin/openledger.ts", [
        ...["verify", "--addresses", addresses, "--rpc", world.chain.url, "--model", "1"],
        ...args,
      ]);
      const { code } = await started.ended;
      return { code, output: started.output };
    };
    const content = join(world.folder, "content");
    const good = await run("--epoch", "0", "--content", content);
    expect(good.code, good.output).to.equal(0);
    expect(good.output).to.match(/holds +proof +equations \(1\) to \(3\) hold for 2 chunks\. DEVELOPMENT KEY/);
    expect(good.output).to.contain("Epoch 0 of model 1 was settled as the rule says.");
    const json = await run("--epoch", "1", "--content", content, "--json");
    expect(JSON.parse(json.output).ok).to.equal(true);
    mkdirSync(join(world.folder, "empty"));
    const bare = await run("--epoch", "0", "--content", join(world.folder, "empty"));
    expect(bare.code).to.equal(1);
    expect(bare.output).to.match(/WRONG +published sketches +No content/);
    const open = await run("--epoch", "5", "--content", content);
    expect(open.code).to.equal(2);
    expect(open.output).to.contain("Epoch 5 of model 1 is not settled").and.contain("VERIFY_NOT_SETTLED");
    for (const [given, words] of [
      [["--epoch", "first"], "--epoch must be a whole number, not first"],
      [["--epoch", "1", "--epok", "2"], "Unknown option '--epok'"],
    ] as const) {
      const { code, output } = await run(...given, "--content", content);
      expect([code, output.includes(words)], output).to.deep.equal([2, true]);
    }
  });
});
