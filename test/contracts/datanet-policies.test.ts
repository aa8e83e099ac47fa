import { expect } from "chai";
import { deriveVersions } from "../../sdk/datanets.ts";
import { datanetDomain, type Submission, signContribute, signReview } from "../../sdk/eip712.ts";
import {
  type World as Chain,
  contributors,
  deployed,
  ethers,
  MANIFEST,
  networkHelpers,
  owner,
  reviewer,
  type Signer,
  SPLIT,
  stranger,
} from "../support/world.ts";

const [alice, bob, second] = [contributors[0]!, contributors[1]!, contributors[2]!];
const [REVIEWED, ALLOW_LISTED, PUBLIC] = [0, 1, 2];
const [PENDING, ACCEPTED, REJECTED, WITHDRAWN] = [1n, 2n, 3n, 4n];
const COPY = 3;
const NO_BOND = { token: ethers.ZeroAddress, amount: 0n, beneficiary: ethers.ZeroAddress, slashable: 0n };
const SETTINGS = {
  name: "Solidity",
  licence: "MIT",
  metadataCid: "",
  policy: REVIEWED,
  aiTraining: true,
  shareAlike: false,
  bond: NO_BOND,
};
const LATER = 10n ** 12n;
const submission = (i: number): Submission => ({ cid: `bafy${i}`, rows: i + 1, rowRoot: ethers.id(`${i}`) });
const { time } = networkHelpers;

async function world(settings: Partial<typeof SETTINGS> = {}, reviewers: Signer[] = [reviewer, second]) {
  return create(await networkHelpers.loadFixture(deployed), settings, reviewers);
}

async function create(all: Chain, settings: Partial<typeof SETTINGS>, reviewers: Signer[]) {
  await all.datanets.connect(owner).createWith({ ...SETTINGS, ...settings }, reviewers);
  return { ...all, domain: datanetDomain(31337n, all.datanets.target as string) };
}

type World = Awaited<ReturnType<typeof world>>;

/** A Datanet whose contributions put down 50 units of a token that everyone has 1,000 of. */
async function bonded() {
  const fresh = await networkHelpers.loadFixture(deployed);
  const token = await ethers.deployContract("HostileToken");
  const bond = {
    token: token.target as string,
    amount: 50n,
    beneficiary: owner.address,
    slashable: 1n << BigInt(COPY),
  };
  const all = await create(fresh, { bond }, [reviewer, second]);
  for (const account of [alice, bob, stranger]) {
    await token.mint(account, 1000n);
    await token.connect(account).approve(all.datanets, 1000n);
  }
  return { ...all, bondToken: token };
}

const signed = async ({ domain }: World, signer: Signer, change: object = {}) => {
  const value = {
    account: alice.address,
    datanetId: 1n,
    submissions: [submission(0), submission(1)],
    nonce: 0n,
    deadline: LATER,
    ...change,
  };
  return { value, signature: await signContribute(signer, domain, value) };
};

describe("DatanetRegistry's policies", () => {
  describe("settings", () => {
    it("are published in full and keep every reviewer", async () => {
      const { datanets } = await networkHelpers.loadFixture(deployed);
      const settings = { ...SETTINGS, shareAlike: true, licence: "CC-BY-SA-4.0" };
      const sent = datanets.connect(owner).createWith(settings, [reviewer, second, reviewer]);
      const bond = Object.values(NO_BOND);
      await expect(sent)
        .to.emit(datanets, "DatanetCreated")
        .withArgs(1n, owner, "Solidity", "CC-BY-SA-4.0", "", 0n, true, true, bond);
      await expect(sent).to.emit(datanets, "ReviewerSet").withArgs(1n, second, true);
      expect(await datanets.queryFilter(datanets.filters.ReviewerSet())).to.have.length(2); // not twice for one
      expect(await datanets.reviewers(1n)).to.deep.equal([reviewer.address, second.address]);
    });

    it("are refused where they contradict each other", async () => {
      const { datanets, token } = await networkHelpers.loadFixture(deployed);
      const bond = { token: token.target as string, amount: 1n, beneficiary: owner.address, slashable: 2n };
      for (const [field, change, reviewers] of [
        ["name", { name: "" }, [reviewer]],
        ["licence", { licence: "" }, [reviewer]],
        ["reviewer", {}, []],
        ["reviewer", {}, [ethers.ZeroAddress]],
        ["slashable", { bond: { ...bond, slashable: 3n } }, [reviewer]],
        ["policy", { bond, policy: PUBLIC }, [reviewer]],
        ["token", { bond: { ...bond, token: stranger.address } }, [reviewer]],
        ["beneficiary", { bond: { ...bond, beneficiary: ethers.ZeroAddress } }, [reviewer]],
      ] as const)
        await expect(datanets.createWith({ ...SETTINGS, ...change }, [...reviewers]))
          .to.be.revertedWithCustomError(datanets, "DatanetInvalidField")
          .withArgs(field);
    });
  });

  describe("letting in", () => {
    it("takes contributions of listed accounts only, and accepts them at once", async () => {
      const { datanets } = await world({ policy: ALLOW_LISTED }, []);
      const from = datanets.connect(alice);
      await expect(from.contributeBatch(1n, [submission(0)]))
        .to.be.revertedWithCustomError(datanets, "DatanetNotAllowed")
        .withArgs(1n, alice);
      await expect(datanets.connect(alice).setAllowed(1n, [alice], true))
        .to.be.revertedWithCustomError(datanets, "DatanetNotOwner")
        .withArgs(1n, alice);
      await expect(datanets.connect(owner).setAllowed(1n, [alice, bob], true))
        .to.emit(datanets, "AllowedSet")
        .withArgs(1n, bob, true);
      await expect(from.contribute(1n, "bafy", 3, ethers.id("rows")))
        .to.emit(datanets, "ContributionReviewed")
        .withArgs(1n, ethers.ZeroAddress, ACCEPTED, 0n, "");
      await datanets.connect(owner).setAllowed(1n, [alice], false);
      expect([await datanets.mayContribute(1n, alice), await datanets.mayContribute(1n, bob)]).to.deep.equal([
        false,
        true,
      ]);
      await expect(from.contribute(1n, "bafy", 3, ethers.id("rows"))).to.be.revertedWithCustomError(
        datanets,
        "DatanetNotAllowed",
      );
    });

    it("takes and accepts anyone's where it is public, and keeps no list there", async () => {
      const { datanets } = await world({ policy: PUBLIC }, []);
      await datanets.connect(stranger).contribute(1n, "bafy", 3, ethers.id("rows"));
      expect((await datanets.contribution(1n)).status).to.equal(ACCEPTED);
      await datanets.connect(owner).freeze(1n);
      await expect(datanets.connect(owner).setAllowed(1n, [alice], true))
        .to.be.revertedWithCustomError(datanets, "DatanetInvalidField")
        .withArgs("policy");
    });

    it("changes reviewers at the owner's word", async () => {
      const { datanets } = await world();
      await expect(datanets.connect(reviewer).setReviewers(1n, [alice], true))
        .to.be.revertedWithCustomError(datanets, "DatanetNotOwner")
        .withArgs(1n, reviewer);
      await datanets.connect(alice).contribute(1n, "bafy", 3, ethers.id("rows"));
      await expect(datanets.connect(owner).setReviewers(1n, [reviewer, stranger], false))
        .to.emit(datanets, "ReviewerSet")
        .withArgs(1n, reviewer, false);
      expect(await datanets.queryFilter(datanets.filters.ReviewerSet())).to.have.length(3); // none of who was no reviewer
      expect([await datanets.isReviewer(1n, reviewer), await datanets.isReviewer(1n, second)]).to.deep.equal([
        false,
        true,
      ]);
      await expect(datanets.connect(reviewer).review([1n], true, "")).to.be.revertedWithCustomError(
        datanets,
        "DatanetNotReviewer",
      );
      await datanets.connect(second).review([1n], true, "");
    });
  });

  describe("batches and relayers", () => {
    it("submits a batch under ids that follow each other", async () => {
      const { datanets } = await world();
      const from = datanets.connect(alice);
      expect(await from.contributeBatch.staticCall(1n, [submission(0), submission(1)])).to.equal(1n);
      await from.contributeBatch(1n, [submission(0), submission(1)]);
      expect(await datanets.contribution(2n)).to.deep.equal([
        alice.address,
        2n,
        PENDING,
        1n,
        submission(1).rowRoot,
        "bafy1",
      ]);
      await expect(from.contributeBatch(1n, []))
        .to.be.revertedWithCustomError(datanets, "DatanetInvalidField")
        .withArgs("submissions");
    });

    it("credits the signer whoever sends it, once", async () => {
      const all = await world();
      const { datanets } = all;
      const { value, signature } = await signed(all, alice);
      const send = () =>
        datanets.connect(stranger).contributeFor(alice, 1n, value.submissions, value.deadline, signature);
      await send();
      for (const id of [1n, 2n]) expect((await datanets.contribution(id)).account).to.equal(alice.address);
      expect(await datanets.nonces(alice)).to.equal(1n);
      await expect(send()).to.be.revertedWithCustomError(datanets, "DatanetInvalidSignature").withArgs(alice);
    });

    it("refuses a signature for anything else", async () => {
      const all = await world();
      const { datanets } = all;
      await datanets.connect(owner).createWith(SETTINGS, [reviewer]);
      const good = await signed(all, alice);
      const { submissions } = good.value;
      const send = (account: Signer, datanetId: bigint, rows: Submission[], deadline: bigint, signature: string) =>
        datanets.contributeFor(account, datanetId, rows, deadline, signature);
      const elsewhere = { ...all, domain: { ...all.domain, chainId: 1n } };
      for (const attempt of [
        () => send(alice, 2n, submissions, LATER, good.signature),
        () => send(alice, 1n, submissions, LATER + 1n, good.signature),
        () => send(alice, 1n, submissions.toReversed(), LATER, good.signature),
        () => send(alice, 1n, submissions.slice(1), LATER, good.signature),
        () => send(alice, 1n, [{ ...submission(0), rows: 2 }, submission(1)], LATER, good.signature),
        async () => send(alice, 1n, submissions, LATER, (await signed(all, bob)).signature),
        async () => send(alice, 1n, submissions, LATER, (await signed(all, alice, { nonce: 1n })).signature),
        async () => send(alice, 1n, submissions, LATER, (await signed(elsewhere, alice)).signature),
      ])
        await expect(attempt()).to.be.revertedWithCustomError(datanets, "DatanetInvalidSignature").withArgs(alice);
      await expect(send(alice, 1n, submissions, 1n, (await signed(all, alice, { deadline: 1n })).signature))
        .to.be.revertedWithCustomError(datanets, "DatanetSignatureExpired")
        .withArgs(1n);
    });

    it("takes a signature until its deadline", async () => {
      const all = await world();
      const { datanets, domain } = all;
      const deadline = BigInt(await time.latest()) + 100n;
      const { value, signature } = await signed(all, alice, { deadline });
      await time.setNextBlockTimestamp(deadline);
      await datanets.contributeFor(alice, 1n, value.submissions, deadline, signature);
      const decisions = [{ contributionId: 2n, accept: true, code: 0 }];
      const review = await signReview(reviewer, domain, { decisions, deadline: deadline + 10n });
      await time.setNextBlockTimestamp(deadline + 10n);
      await expect(datanets.decideFor(reviewer, decisions, deadline + 10n, review))
        .to.emit(datanets, "ContributionReviewed")
        .withArgs(2n, reviewer, ACCEPTED, 0n, "");
    });

    it("holds the signer, not the sender, against the list", async () => {
      const all = await world({ policy: ALLOW_LISTED }, []);
      await all.datanets.connect(owner).setAllowed(1n, [stranger], true);
      const { value, signature } = await signed(all, alice);
      await expect(all.datanets.connect(stranger).contributeFor(alice, 1n, value.submissions, LATER, signature))
        .to.be.revertedWithCustomError(all.datanets, "DatanetNotAllowed")
        .withArgs(1n, alice);
    });

    it("takes contract wallets' signatures", async () => {
      const all = await world();
      const wallet = await ethers.deployContract("TestWallet", [alice]);
      const account = wallet.target as string;
      const { value, signature } = await signed(all, alice, { account });
      await all.datanets.contributeFor(account, 1n, value.submissions, LATER, signature);
      expect((await all.datanets.contribution(1n)).account).to.equal(account);
    });
  });

  describe("decisions", () => {
    const decisions = [
      { contributionId: 1n, accept: true, code: 0 },
      { contributionId: 2n, accept: false, code: COPY },
    ];

    async function pending() {
      const all = await world();
      await all.datanets.connect(alice).contributeBatch(1n, [submission(0), submission(1)]);
      return all;
    }

    it("accept and reject in one batch, each with its code", async () => {
      const { datanets } = await pending();
      const sent = datanets.connect(second).decide(decisions);
      await expect(sent).to.emit(datanets, "ContributionReviewed").withArgs(1n, second, ACCEPTED, 0n, "");
      await expect(sent).to.emit(datanets, "ContributionReviewed").withArgs(2n, second, REJECTED, COPY, "");
    });

    it("may be submitted by anyone when a reviewer signed them", async () => {
      const { datanets, domain } = await pending();
      const signature = await signReview(reviewer, domain, { decisions, deadline: LATER });
      const send = (account: Signer, list: typeof decisions, deadline: bigint, bytes: string) =>
        datanets.connect(alice).decideFor(account, list, deadline, bytes);
      const [first, copy] = decisions as [(typeof decisions)[0], (typeof decisions)[0]];
      for (const attempt of [
        () => send(second, decisions, LATER, signature),
        () => send(reviewer, decisions, LATER + 1n, signature),
        () => send(reviewer, [first], LATER, signature),
        () => send(reviewer, [first, { ...copy, accept: true }], LATER, signature),
        () => send(reviewer, [first, { ...copy, code: 0 }], LATER, signature),
      ])
        await expect(attempt()).to.be.revertedWithCustomError(datanets, "DatanetInvalidSignature");
      await send(reviewer, decisions, LATER, signature);
      expect((await datanets.contribution(1n)).status).to.equal(ACCEPTED);
      await expect(send(reviewer, decisions, LATER, signature))
        .to.be.revertedWithCustomError(datanets, "DatanetAlreadyReviewed")
        .withArgs(1n);
    });

    it("count for nothing when signed too long ago, or by one who is no reviewer (any more)", async () => {
      const { datanets, domain } = await pending();
      const old = await signReview(reviewer, domain, { decisions, deadline: 1n });
      await expect(datanets.decideFor(reviewer, decisions, 1n, old))
        .to.be.revertedWithCustomError(datanets, "DatanetSignatureExpired")
        .withArgs(1n);
      await datanets.connect(owner).setReviewers(1n, [reviewer], false);
      for (const account of [reviewer, alice]) {
        const signature = await signReview(account, domain, { decisions, deadline: LATER });
        await expect(datanets.decideFor(account, decisions, LATER, signature))
          .to.be.revertedWithCustomError(datanets, "DatanetNotReviewer")
          .withArgs(1n, account);
      }
    });
  });

  describe("bonds", () => {
    it("are put down by the sender for each contribution, and come back on acceptance", async () => {
      const all = await bonded();
      const { datanets, bondToken } = all;
      const { value, signature } = await signed(all, alice);
      const sent = datanets.connect(stranger).contributeFor(alice, 1n, value.submissions, LATER, signature);
      await expect(sent).to.changeTokenBalances(ethers, bondToken, [stranger, alice, datanets], [-100n, 0n, 100n]);
      await expect(sent).to.emit(datanets, "BondPosted").withArgs(2n, stranger, 50n);
      const [payer, until] = await datanets.bondOf(2n);
      expect([payer, until]).to.deep.equal([stranger.address, BigInt(await time.latest()) + 30n * 86_400n]);

      await expect(datanets.connect(reviewer).review([1n, 2n], true, ""))
        .to.emit(datanets, "BondReleased")
        .withArgs(2n, stranger, 50n, false);
      expect(await datanets.bonds(bondToken, stranger)).to.equal(100n);
      expect(await datanets.bondOf(2n)).to.deep.equal([ethers.ZeroAddress, 0n]);
      const paid = datanets.connect(alice).withdrawBonds(bondToken, stranger);
      await expect(paid).to.emit(datanets, "BondsWithdrawn").withArgs(bondToken, stranger, 100n);
      await expect(paid).to.changeTokenBalances(ethers, bondToken, [datanets, stranger], [-100n, 100n]);
      await expect(datanets.withdrawBonds(bondToken, stranger))
        .to.be.revertedWithCustomError(datanets, "DatanetNoBonds")
        .withArgs(bondToken, stranger);
    });

    it("are slashed for a code of the published list only", async () => {
      const { datanets, bondToken } = await bonded();
      await datanets.connect(alice).contributeBatch(1n, [0, 1, 2, 3].map(submission));
      const decide = (contributionId: bigint, accept: boolean, code: number) => ({ contributionId, accept, code });
      const list = [decide(1n, false, COPY), decide(2n, false, COPY + 1), decide(3n, true, COPY)];
      await expect(datanets.connect(reviewer).decide(list))
        .to.emit(datanets, "BondReleased")
        .withArgs(1n, owner, 50n, true);
      await datanets.connect(reviewer).review([4n], false, "in words");
      expect(await datanets.bonds(bondToken, owner)).to.equal(50n);
      expect(await datanets.bonds(bondToken, alice)).to.equal(150n);
      expect(await bondToken.balanceOf(datanets)).to.equal(200n);
    });

    it("cannot be saved from slashing by withdrawing first, and come back when nobody reviews", async () => {
      const { datanets, bondToken } = await bonded();
      await datanets.connect(alice).contribute(1n, "bafy", 1, ethers.id("rows"));
      const [, until] = await datanets.bondOf(1n);
      await time.setNextBlockTimestamp(until - 1n);
      await expect(datanets.connect(alice).withdraw([1n], 0))
        .to.be.revertedWithCustomError(datanets, "DatanetUnderReview")
        .withArgs(1n, until);
      await time.setNextBlockTimestamp(until);
      await datanets.connect(alice).withdraw([1n], 0);
      expect(await datanets.bonds(bondToken, alice)).to.equal(50n);
      expect((await datanets.contribution(1n)).status).to.equal(WITHDRAWN);
      await expect(datanets.connect(reviewer).decide([{ contributionId: 1n, accept: false, code: COPY }]))
        .to.be.revertedWithCustomError(datanets, "DatanetAlreadyReviewed")
        .withArgs(1n);
    });

    it("are refused in a token that takes fees, and cannot be taken twice by one that calls back", async () => {
      const all = await bonded();
      const { datanets, bondToken } = all;
      await bondToken.setFee(1000n);
      await expect(datanets.connect(alice).contribute(1n, "bafy", 1, ethers.id("rows")))
        .to.be.revertedWithCustomError(datanets, "DatanetTokenTakesFees")
        .withArgs(bondToken, 45n, 50n);
      await bondToken.setFee(0n);
      await datanets.connect(alice).contributeBatch(1n, [submission(0), submission(1)]);
      await datanets.connect(reviewer).review([1n], true, "");
      const { value, signature } = await signed(all, alice, { submissions: [submission(3)] });
      const again = datanets.interface.encodeFunctionData("withdrawBonds", [bondToken.target as string, alice.address]);
      const more = datanets.interface.encodeFunctionData("contributeBatch", [1n, [submission(2)]]);
      for (const [data, call] of [
        [again, () => datanets.withdrawBonds(bondToken, alice)],
        [more, () => datanets.connect(alice).contribute(1n, "bafy", 1, ethers.id("rows"))],
        [again, () => datanets.connect(alice).contributeBatch(1n, [submission(2)])],
        [again, () => datanets.connect(alice).contributeFor(alice, 1n, value.submissions, LATER, signature)],
      ] as const) {
        await bondToken.setHook(datanets, data);
        await expect(call()).to.be.revertedWithCustomError(datanets, "ReentrancyGuardReentrantCall");
      }
      expect(await bondToken.balanceOf(datanets)).to.equal(100n);
    });
  });

  describe("withdrawal", () => {
    /** Version 1 of contributions 1 to 3. */
    async function frozen() {
      const all = await world();
      const { datanets } = all;
      await datanets.connect(alice).contributeBatch(1n, [0, 1, 2].map(submission));
      await datanets.connect(reviewer).review([1n, 2n, 3n], true, "");
      await datanets.connect(owner).freeze(1n);
      return all;
    }

    it("is the contributor's and the reviewers' right", async () => {
      const { datanets } = await frozen();
      await expect(datanets.connect(owner).withdraw([1n], 0))
        .to.be.revertedWithCustomError(datanets, "DatanetNotContributor")
        .withArgs(1n, owner);
      await expect(datanets.connect(alice).withdraw([1n], 0))
        .to.emit(datanets, "ContributionWithdrawn")
        .withArgs(1n, alice, 0n);
      await expect(datanets.connect(second).withdraw([3n], 5))
        .to.emit(datanets, "ContributionWithdrawn")
        .withArgs(3n, second, 5n);
      await expect(datanets.connect(alice).withdraw([1n], 0))
        .to.be.revertedWithCustomError(datanets, "DatanetNotWithdrawable")
        .withArgs(1n);
      await expect(datanets.withdraw([9n], 0))
        .to.be.revertedWithCustomError(datanets, "DatanetContributionUnknown")
        .withArgs(9n);
    });

    it("keeps the rows out of later versions, leaves earlier ones as they were, and marks those stale", async () => {
      const { datanets } = await frozen();
      const hash = await datanets.versionHash(1n, 1n);
      expect(await datanets.isStale(1n, 1n)).to.equal(false);
      await datanets.connect(alice).withdraw([2n], 0);
      expect(await datanets.isStale(1n, 1n)).to.equal(true);
      await datanets.connect(owner).freeze(1n);
      expect((await datanets.versionContributions(1n, 1n)).contributionIds).to.deep.equal([1n, 2n, 3n]);
      expect((await datanets.versionContributions(1n, 2n)).contributionIds).to.deep.equal([1n, 3n]);
      expect(await datanets.versionHash(1n, 1n)).to.equal(hash);
      expect(await datanets.isStale(1n, 2n)).to.equal(false);
      await expect(datanets.isStale(1n, 3n)).to.be.revertedWithCustomError(datanets, "DatanetVersionUnknown");
    });

    it("of what no version has changes nothing, and of everything leaves nothing to freeze", async () => {
      const { datanets } = await frozen();
      await datanets.connect(bob).contributeBatch(1n, [submission(3), submission(4)]);
      await datanets.connect(bob).withdraw([4n], 0); // pending, and without a bond
      await datanets.connect(reviewer).review([5n], true, "");
      await datanets.connect(bob).withdraw([5n], 0);
      const nothing = () =>
        expect(datanets.connect(owner).freeze(1n)).to.be.revertedWithCustomError(datanets, "DatanetNothingToFreeze");
      await nothing();
      await datanets.connect(alice).withdraw([1n, 2n, 3n], 0);
      await nothing();
    });

    it("marks the models that were trained on the rows, and no others", async () => {
      const { datanets, models, token } = await frozen();
      await datanets.connect(bob).contribute(1n, "bafy", 1, ethers.id("rows"));
      await datanets.connect(reviewer).review([4n], true, "");
      await datanets.connect(owner).freeze(1n);
      const terms = { token: token.target as string, inputPrice: 1n, outputPrice: 1n, split: SPLIT };
      for (const version of [1n, 2n]) await models.mint(MANIFEST, [{ datanetId: 1n, version }], terms);
      await datanets.connect(bob).withdraw([4n], 0);
      expect([await models.isStale(1n), await models.isStale(2n)]).to.deep.equal([false, true]);
      await expect(models.isStale(3n)).to.be.revertedWithCustomError(models, "ModelUnknown").withArgs(3n);
    });
  });

  it("lets anyone derive every version from events alone", async () => {
    const { datanets } = await world();
    // Another Datanet's events must not be taken for this one's.
    await datanets.connect(owner).createWith({ ...SETTINGS, policy: PUBLIC }, []);
    const random = [3, 1, 2, 5, 4, 0].map(submission);
    await datanets.connect(alice).contributeBatch(1n, random);
    await datanets.connect(bob).contribute(2n, "bafy", 3, ethers.id("rows"));
    await datanets.connect(reviewer).review([5n, 2n], true, "");
    await datanets.connect(owner).freeze(1n);
    await datanets.connect(owner).freeze(2n);
    await datanets.connect(second).review([1n], false, "");
    await datanets.connect(second).review([6n, 3n], true, "");
    await datanets.connect(alice).withdraw([2n], 0);
    await datanets.connect(owner).freeze(1n);
    const derived = await deriveVersions(datanets, 31337n, 1n);
    expect(derived.map(({ contributionIds }) => contributionIds)).to.deep.equal([
      [2n, 5n],
      [3n, 5n, 6n],
    ]);
    for (const { version, hash } of derived) expect(hash).to.equal(await datanets.versionHash(1n, version));
    expect(await deriveVersions(datanets, 31337n, 2n)).to.have.length(1);
  });

  describe("licences of the Datanets that feed one model", () => {
    async function licensed(...list: [licence: string, shareAlike: boolean, aiTraining?: boolean][]) {
      const all = await networkHelpers.loadFixture(deployed);
      for (const [licence, shareAlike, aiTraining = true] of list) {
        const settings = { ...SETTINGS, policy: PUBLIC, licence, shareAlike, aiTraining };
        await all.datanets.connect(owner).createWith(settings, []);
        const id = BigInt(list.findIndex((one) => one[0] === licence && one[1] === shareAlike) + 1);
        await all.datanets.connect(alice).contribute(id, "bafy", 1, ethers.id("rows"));
      }
      return all;
    }

    it("must allow training", async () => {
      const { datanets, models, token } = await licensed(["MIT", false], ["none", false, false]);
      await expect(datanets.checkLicences([1n, 2n]))
        .to.be.revertedWithCustomError(datanets, "DatanetTrainingForbidden")
        .withArgs(2n);
      await datanets.connect(owner).freeze(2n);
      const terms = { token: token.target as string, inputPrice: 1n, outputPrice: 1n, split: SPLIT };
      await expect(models.mint(MANIFEST, [{ datanetId: 2n, version: 1n }], terms))
        .to.be.revertedWithCustomError(datanets, "DatanetTrainingForbidden")
        .withArgs(2n);
    });

    it("may be share-alike under one licence, beside others that are not", async () => {
      const { datanets } = await licensed(["MIT", false], ["GPL-3.0", true], ["CC-BY-SA-4.0", true], ["GPL-3.0", true]);
      expect(await datanets.checkLicences([])).to.equal(0n);
      expect(await datanets.checkLicences([1n])).to.equal(0n);
      expect(await datanets.checkLicences([1n, 2n, 4n, 1n])).to.equal(2n);
      await expect(datanets.checkLicences([1n, 2n, 3n]))
        .to.be.revertedWithCustomError(datanets, "DatanetLicencesClash")
        .withArgs(2n, 3n);
      await expect(datanets.checkLicences([5n]))
        .to.be.revertedWithCustomError(datanets, "DatanetUnknown")
        .withArgs(5n);
    });
  });
});
