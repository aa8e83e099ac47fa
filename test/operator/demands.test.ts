import { rmSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { Contract, id } from "ethers";
import { ROLES } from "../../deploy/modules/OpenLedger.ts";
import { AUDITORS_TOKEN, OPERATOR_KEY, TOKEN_ENV } from "../../prover/daemon/config.ts";
import { Daemon } from "../../prover/daemon/daemon.ts";
import { doctor } from "../../prover/daemon/doctor.ts";
import { ProofStore } from "../../prover/daemon/proofs.ts";
import { ReceiptsStore } from "../../prover/daemon/receipts.ts";
import { Steps } from "../../prover/daemon/steps.ts";
import { findFault } from "../../prover/disputes.ts";
import { proposeEpoch } from "../../prover/operator.ts";
import { ContentStore } from "../../sdk/content-store.ts";
import { standingProposal, voteHash } from "../../sdk/disputes.ts";
import { decodeTree } from "../../sdk/receipts-tree.ts";
import { emitted, mined } from "../../sdk/transactions.ts";
import { disputesOf } from "../../sdk/views/disputes.ts";
import type { Program } from "../support/program.ts";
import { eventually } from "../support/program.ts";
import { integers } from "../support/samples.ts";
import { ACCOUNTS, privateKey, program, TOKEN, World } from "./world.ts";

const CHALLENGER = 4;
const GRANT = ["function grantRole(uint64, address, uint32)"];
const BOND = 10n ** 9n;
const SHOWN = "the auditors' own token";
/** Long enough for a daemon to be killed a few times within, and with it an epoch still runs when the last is settled. */
const WINDOW = 300;

describe("the operator's daemon, disputed", () => {
  let world: World;
  let config: string;
  const running = new Set<Program>();
  const start = (script: string, ...args: string[]) => {
    const started = program(script, args, { [AUDITORS_TOKEN]: SHOWN });
    running.add(started);
    return started;
  };
  const run = () => start("bin/openledger.ts", "operator", "run", "--config", config);

  before(async () => {
    world = await World.start(undefined, { challengeWindow: WINDOW, answerWindow: WINDOW, disputeWindow: WINDOW });
    config = world.configFile();
    const { chain } = world;
    for (const account of [CHALLENGER, 0]) {
      await mined(chain.token.mint(chain.account(account), BOND));
      const { operators } = chain.as(account);
      await mined(chain.token.connect(chain.account(account)).approve(operators, BOND));
      await mined(operators.bond(await chain.account(account).getAddress(), chain.token, BOND));
    }
  });
  afterEach(async function () {
    for (const one of running) {
      await one.stop();
      if (this.currentTest?.isFailed()) console.log(one.output);
    }
    running.clear();
  });
  after(() => world.close());

  /** An epoch that a daemon has proposed, and what disputes name it by. */
  async function proposed(): Promise<{ modelId: bigint; epochId: bigint; round: bigint }> {
    const epochId = await world.sell();
    await world.until(epochId, ({ closedAt }) => closedAt !== 0n, "closed");
    await world.redeem(epochId);
    await world.until(epochId, ({ proposedAt }) => proposedAt !== 0n, "proposed");
    return standingProposal(world.splitter, world.modelId, epochId);
  }

  async function settled(epochId: bigint): Promise<void> {
    await world.chain.wait(WINDOW + 1);
    await world.until(epochId, ({ settledAt }) => settledAt !== 0n, "settled");
  }

  const outcomes = async (epochId: bigint) =>
    (await disputesOf(world.chain.as(0), world.modelId, epochId)).map(({ kind, outcome }) => `${kind} ${outcome}`);

  it("answers demands of leaves and of sampled points once each, killed at every point, with its server gone", async () => {
    const { chain, modelId } = world;
    const daemon = run();
    const proposal = await proposed();
    const { epochId } = proposal;
    await daemon.says(/proven, challenge window/);
    await daemon.stop();
    await world.stopServing();
    const operator = await chain.account(ACCOUNTS.operator).getAddress();
    const sent = await chain.provider.getTransactionCount(operator);
    const bond = await chain.as(CHALLENGER).disputes.demandBond(proposal);
    const credit = () => chain.as(0).operators.credits(chain.token, operator);
    const before = await credit();
    await mined(chain.as(CHALLENGER).disputes.demand(proposal, 1));
    await mined(chain.as(0).disputes.drawSample(proposal));
    await mined(chain.as(0).disputes.demandSample(proposal, 7));
    for (const point of [
      "before steps.answer",
      "before sender.record",
      "after sender.record",
      "after sender.broadcast",
      "after steps.answer",
    ]) {
      const killed = start("test/operator/killed.ts", config, ...point.split(" "));
      expect((await killed.ended).signal, `${point}\n${killed.output}`).to.equal("SIGKILL");
      running.delete(killed);
    }
    expect(await outcomes(epochId)).to.deep.equal(["demand answered", "sample answered"]);
    expect(await chain.provider.getTransactionCount(operator)).to.equal(sent + 2);
    expect((await credit()) - before).to.equal(bond);
    expect((await world.splitter.epoch(modelId, epochId)).disputes).to.equal(0n);
    await world.serve();
    run();
    await settled(epochId);
    world.sketch = () => new Int8Array(128); // nothing more to prove
  });

  it("answers from its servers' records what it did not keep, and says so where they are others", async () => {
    const daemon = run();
    const proposal = await proposed();
    rmSync(join(world.folder, "data", "receipts"), { recursive: true });
    world.tamper = (records) => records.map((one) => ({ ...one, sketch: one.sketch.map(() => -128) }));
    await mined(world.chain.as(CHALLENGER).disputes.demand(proposal, 0));
    await daemon.says(/attempt 1 failed: .*SIGNATURE_WRONG_SIGNER/);
    world.tamper = (records) => records;
    await eventually(async () => (await outcomes(proposal.epochId)).join() === "demand answered", "answered");
    await settled(proposal.epochId);
  });

  it("shows auditors with the token the leaves of its proposals, by which they find no fault", async () => {
    const daemon = run();
    const { modelId, epochId } = await proposed();
    const [url] = daemon.output.match(/http:[^ \n]+/)!;
    const ask = async (query: string, token?: string) => {
      const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
      const answer = await fetch(`${url}/receipts?${query}`, { headers });
      return { status: answer.status, text: await answer.text() };
    };
    const own = `model=${modelId}&epoch=${epochId}`;
    for (const token of [undefined, TOKEN, `${SHOWN}!`]) {
      const { status, text } = await ask(own, token);
      expect([status, JSON.parse(text).code]).to.deep.equal([401, "TOKEN_WRONG"]);
    }
    const refusals = [
      `model=${modelId}&epoch=${epochId + 1n}`,
      `model=9&epoch=0`,
      `model=${modelId}`,
      "model=x&epoch=0",
    ];
    const statuses = await Promise.all(refusals.map(async (query) => (await ask(query, SHOWN)).status));
    expect(statuses).to.deep.equal([404, 404, 400, 400]);
    const { status, text } = await ask(own, SHOWN);
    expect(status).to.equal(200);
    const tree = decodeTree(text);
    expect(tree.leaves.length).to.equal(3);
    const ownWeight = (sketch: Int8Array) =>
      tree.leaves.find(({ receipt }) => receipt.sketch === sketch)!.receipt.weight;
    expect(await findFault(world.chain.as(0), modelId, epochId, tree, ownWeight)).to.equal(undefined);
    await settled(epochId);
    expect((await ask(own, SHOWN)).text, "of a settled epoch, for reports").to.equal(text);
  });

  it("holds another operator's proposal against its servers' records, and says where they differ", async () => {
    const { chain, modelId } = world;
    const other = chain.as(CHALLENGER);
    const address = await chain.account(CHALLENGER).getAddress();
    const manager = new Contract(await other.splitter.authority(), GRANT, chain.account(0));
    await mined(manager.getFunction("grantRole")(ROLES.operator, address, 0));
    const folder = join(world.folder, "other");
    const kept = new ReceiptsStore(join(folder, "receipts"));
    const proofs = new ProofStore(join(folder, "proofs"));
    const content = new ContentStore(join(world.folder, "content"));
    const steps = new Steps(other, address, content, world.config(), proofs, kept, () => {});
    process.env[TOKEN_ENV] = TOKEN;
    const over = async () => {
      const epochId = await world.sell();
      await mined(other.splitter.openEpoch(modelId));
      await world.redeem(epochId);
      return epochId;
    };
    try {
      const honest = await over();
      await steps.propose(modelId, honest);
      const daemon = run();
      await daemon.says(/check done/);
      await settled(honest);
      await daemon.stop();

      const wrong = await over();
      const { tree } = await steps.receipts(modelId, wrong);
      const weighedMore = tree.leaves.map(({ receipt }) => ({ ...receipt, weight: receipt.weight + 1n }));
      await proposeEpoch(other, modelId, wrong, weighedMore, 128);
      await run().says(/attempt 1 failed: The servers' records hash to 0x\w+, and 0x\w+ was proposed. It is 0x/);
      await settled(wrong);
    } finally {
      delete process.env[TOKEN_ENV];
    }
  });

  it("answers while it proves, and ends a case that the committee dismissed", async () => {
    Object.assign(process.env, {
      [OPERATOR_KEY]: privateKey(ACCOUNTS.operator),
      [TOKEN_ENV]: TOKEN,
      [AUDITORS_TOKEN]: "short",
    });
    try {
      const settings = world.config();
      await expectRefusal(Daemon.open(settings), /OPENLEDGER_AUDITORS_TOKEN to 16 characters/);
      expect((await doctor(settings)).find(({ check }) => check === "auditors")).to.include({ ok: false });
      delete process.env[AUDITORS_TOKEN];
      const daemon = await Daemon.open(settings);
      const proven = Promise.withResolvers<void>();
      let proving = false;
      daemon.steps.prove = async () => {
        proving = true;
        await proven.promise;
      };
      const url = await daemon.start();
      try {
        world.sketch = (epochId, length) => integers(`query ${epochId} ${length}`, 128, 9);
        const proposal = await proposed();
        await eventually(async () => proving, "proving");
        const { chain } = world;
        await mined(chain.as(CHALLENGER).disputes.demand(proposal, 2));
        await eventually(async () => (await outcomes(proposal.epochId)).join() === "demand answered", "answered");
        const shown = await fetch(`${url}/receipts?model=1&epoch=${proposal.epochId}`);
        expect([shown.status, ((await shown.json()) as { code: string }).code]).to.deep.equal([
          404,
          "RECEIPTS_UNKNOWN",
        ]);

        proven.resolve();
        await dismissed(proposal);
        expect((await world.splitter.epoch(world.modelId, proposal.epochId)).disputes).to.equal(0n);
        expect(await outcomes(proposal.epochId)).to.deep.equal(["demand answered", "sketch dismissed"]);
      } finally {
        proven.resolve();
        await daemon.stop();
      }
    } finally {
      for (const name of [OPERATOR_KEY, TOKEN_ENV, AUDITORS_TOKEN]) delete process.env[name];
    }
  });

  /** Has a sketch challenged, and judged as right by the one auditor. */
  async function dismissed(proposal: { modelId: bigint; epochId: bigint; round: bigint }): Promise<void> {
    const { chain } = world;
    const opened = await mined(chain.as(CHALLENGER).disputes.challengeSketch(proposal, 0, "bafy"));
    const { caseId } = emitted(chain.as(0).disputes, "DisputeOpened", opened) as unknown as { caseId: bigint };
    const auditor = chain.as(0).committee;
    const vote = {
      chainId: 31337n,
      committee: chain.addresses.committee,
      caseId,
      auditor: await chain.account(0).getAddress(),
      uphold: false,
      salt: id("salt"),
    };
    await mined(auditor.commitVote(caseId, voteHash(vote)));
    await chain.wait(121);
    await mined(auditor.revealVote(caseId, vote.uphold, vote.salt));
    await chain.wait(121);
    await eventually(async () => (await outcomes(proposal.epochId)).includes("sketch dismissed"), "resolved");
  }
});

const expectRefusal = async (attempt: Promise<unknown>, words: RegExp) =>
  expect(
    await attempt.then(
      () => "none",
      (error: Error) => error.message,
    ),
  ).to.match(words);
