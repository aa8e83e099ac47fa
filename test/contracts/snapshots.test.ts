import { readFileSync, writeFileSync } from "node:fs";
import { expect } from "chai";
import type { ContractTransactionResponse } from "ethers";
import { artifacts, network } from "hardhat";
import { claimOf } from "../../sdk/history.ts";
import { mined } from "../../sdk/transactions.ts";
import { WIDTHS } from "../../sdk/transcript.ts";
import { deployAttribution, mintModel, prepareRegistration, registrationArgument } from "../support/attribution.ts";
import { sampleSketches } from "../support/samples.ts";
import {
  contributors,
  customer,
  deployed,
  ethers,
  MANIFEST,
  networkHelpers,
  operator,
  owner,
  proposal,
  type Ready,
  ready,
  reviewer,
  SPLIT,
  server,
  TIMING,
  vector,
  voucher,
} from "../support/world.ts";

/*
 * snapshots/ holds what calls cost and how large contracts are, so that a change shows both in its diff.
 * UPDATE_SNAPSHOTS=1 npx hardhat test mocha test/contracts/snapshots.test.ts writes them anew.
 */

/** Addresses, which differ with the tests that ran before, cost a little in calldata. */
const TOLERANCE = 0.01;
const MAX_CODE_BYTES = 24_576;

type Figures = Record<string, number>;

function compare(name: string, measured: Figures, tolerance: number): void {
  const path = new URL(`../../snapshots/${name}.json`, import.meta.url);
  if (process.env.UPDATE_SNAPSHOTS) writeFileSync(path, `${JSON.stringify(measured, null, 2)}\n`);
  const kept = JSON.parse(readFileSync(path, "utf8")) as Figures;
  expect(Object.keys(measured)).to.deep.equal(Object.keys(kept));
  for (const [key, value] of Object.entries(measured))
    expect(value, `${key}: run with UPDATE_SNAPSHOTS=1 if this is meant`).to.be.closeTo(
      kept[key]!,
      Math.ceil(kept[key]! * tolerance),
    );
}

describe("Snapshots", () => {
  it("of bytecode are as kept, and every contract is below the size limit", async () => {
    const names = [
      "PauseSwitch",
      "OperatorRegistry",
      "DatanetRegistry",
      "ModelNFT",
      "AttributionRegistry",
      "AttributionVerifier",
      "RewardSplitter",
      "InferenceEscrow",
    ];
    const sizes: Figures = {};
    for (const name of names) {
      sizes[name] = ethers.dataLength((await artifacts.readArtifact(name)).deployedBytecode);
      expect(sizes[name], name).to.be.at.most(MAX_CODE_BYTES);
    }
    compare("bytecode", sizes, 0);
  });

  it("of gas are as kept", async () => {
    const gas: Figures = {};
    const spent = async (what: string, sent: Promise<ContractTransactionResponse>) => {
      gas[what] = Number((await mined(sent)).gasUsed);
    };
    const world = await networkHelpers.loadFixture(deployed);
    const { datanets, models, token } = world;
    const from = datanets.connect(contributors[0]!);
    const submission = (i: number) => ({ cid: `bafy${"x".repeat(55)}`, rows: 300, rowRoot: ethers.id(`${i}`) });
    const { cid, rows, rowRoot } = submission(0);
    await spent("create", datanets.connect(owner).create(reviewer, "Solidity", "MIT", ""));
    await spent("contribute", from.contribute(1n, cid, rows, rowRoot));
    await spent(
      "contributeBatch of 10",
      from.contributeBatch(
        1n,
        Array.from({ length: 10 }, (_, i) => submission(i)),
      ),
    );
    const ids = Array.from({ length: 11 }, (_, i) => BigInt(i + 1));
    await spent("review 11", datanets.connect(reviewer).review(ids, true, "fine"));
    await spent("freeze 11", datanets.connect(owner).freeze(1n));
    const terms = { token: token.target as string, inputPrice: 10n, outputPrice: 20n, split: SPLIT };
    const versions = [{ datanetId: 1n, version: 1n }];
    await spent("mint", models.connect(owner).mint(MANIFEST, versions, terms));
    await spent(
      "mintDerived",
      models.connect(owner).mintDerived(MANIFEST, versions, terms, [{ modelId: 1n, royaltyBps: 1000n }]),
    );

    const chain = await deployAttribution(await network.create());
    for (const k of WIDTHS) {
      const registered = await mintModel(chain, [Array<number>(20).fill(6)]);
      const prepared = await prepareRegistration(chain, registered, k, sampleSketches(120, k));
      const register = chain.registry.connect(chain.owner).register;
      await spent(`register, k = ${k}`, register(registrationArgument(chain, prepared)));
    }

    const all: Ready = await networkHelpers.loadFixture(ready);
    const { escrow, splitter, modelId, id } = all;
    const redeem = async (cumulative: bigint) => escrow.connect(server).redeem(...(await voucher(all, { cumulative })));
    await spent("redeem, first", redeem(1000n));
    await spent("redeem, later", redeem(2000n));
    await spent("startWithdrawal", escrow.connect(customer).startWithdrawal(all.token, 1000n));
    await networkHelpers.time.increase(TIMING.epochLength);
    await spent("openEpoch", splitter.openEpoch(modelId));
    await networkHelpers.time.increase(TIMING.redeemWindow);
    await spent("propose", splitter.connect(operator).propose(...(await proposal(all, modelId, 0n, vector(0n)))));
    await networkHelpers.time.increase(TIMING.challengeWindow);
    const q = new Uint8Array(vector(0n).length);
    q[1] = 127;
    await spent("settleByBase, 3 contributors", splitter.settleByBase(modelId, 0n, operator, q, []));
    await spent("claim", splitter.claim([await claimOf(splitter, id, 0)]));
    await spent("withdraw", splitter.connect(server).withdraw(all.token));
    compare("gas", gas, TOLERANCE);
  });
});
