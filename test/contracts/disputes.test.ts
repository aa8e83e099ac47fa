import { expect } from "chai";
import type { ContractTransactionResponse } from "ethers";
import { challenge, type Found, findFault, proveMovement } from "../../prover/disputes.ts";
import { stopProver } from "../../prover/groth16.ts";
import { receiptJudge } from "../../sdk/contracts.ts";
import { FAULTS, type Fault } from "../../sdk/disputes.ts";
import type { EpochReceipt } from "../../sdk/epoch.ts";
import { type OpenLeaf, ReceiptsTree } from "../../sdk/receipts-tree.ts";
import { movement, queryWeight } from "../../trainer/attribution/weights.ts";
import {
  changed,
  committed,
  key,
  M0,
  proposeTree,
  SALES,
  type Sold,
  sign,
  sketches,
  sold,
  srs,
  weightOf,
} from "../support/disputes.ts";
import { integers } from "../support/samples.ts";
import {
  contributors,
  customer,
  ethers,
  K,
  networkHelpers,
  operator,
  server,
  stranger,
  treasury,
} from "../support/world.ts";

const world = () => networkHelpers.loadFixture(sold);
const NO_SCORES = { totals: "0x", proof: { chunks: [], opening: [0n, 0n] as [bigint, bigint] } };
const proving = async () => ({ committed, key, srs });

/** `all` as the stranger calls it. */
const strangers = (all: Sold) => ({ ...all, disputes: all.disputes.connect(stranger) });

const weigh = (sketch: Int8Array, fee18: bigint) => queryWeight(fee18, movement({ rows: sketches, k: K }, sketch), M0);

/** Checks that the proposal is gone at once, and that its stake went by halves to the stranger and the treasury. */
async function expectRefuted(
  { splitter, disputes, operators, token, modelId }: Sold,
  sent: Promise<ContractTransactionResponse>,
  fault: Fault,
  index: number,
): Promise<void> {
  const { stake } = await splitter.epoch(modelId, 0n);
  await expect(sent)
    .to.emit(disputes, "ProposalRefuted")
    .withArgs(modelId, 0n, 1n, FAULTS.indexOf(fault), index, stranger)
    .and.to.emit(splitter, "ProposalRejected")
    .withArgs(modelId, 0n, operator, 1n, stake, stranger);
  expect((await splitter.epoch(modelId, 0n)).proposedAt).to.equal(0n);
  expect(await operators.credits(token, stranger)).to.equal(stake - stake / 2n);
  expect(await operators.credits(token, treasury)).to.equal(stake / 2n);
  expect(await operators.lockedOf(operator, token, splitter)).to.equal(0n);
}

/** Changes a receipt, and all sums after it as an operator would who hides it there. */
const forged = (all: Sold, index: number, change: (receipt: EpochReceipt) => Partial<EpochReceipt>) => {
  const receipts = all.tree.leaves.map(({ receipt }, i) =>
    i === index ? { ...receipt, ...change(receipt) } : receipt,
  );
  return ReceiptsTree.of(receipts, all.records, K);
};

const ofReceipt =
  (change: (receipt: EpochReceipt) => Partial<EpochReceipt>) =>
  ({ receipt }: OpenLeaf) => ({ receipt: { ...receipt, ...change(receipt) } });

/** Leaves from `index` on, with V moved by one unit. */
const shifted = ({ leaves }: ReceiptsTree, index: number): ReceiptsTree =>
  new ReceiptsTree(leaves.map((leaf, i) => (i < index ? leaf : { ...leaf, v: leaf.v.with(3, leaf.v[3]! + 1n) })));

/** The index of the first leaf with a sketch that is not zero, whose payer also has the leaf before it. */
const inner = ({ leaves }: ReceiptsTree): number =>
  leaves.findIndex(
    ({ receipt }, i) =>
      i > 0 &&
      i < leaves.length - 1 &&
      receipt.sketch.some((entry) => entry !== 0) &&
      receipt.server === leaves[i - 1]!.receipt.server &&
      receipt.customer === leaves[i - 1]!.receipt.customer,
  );

/** The index of the leaf whose sketch is zero. */
const unmoved = ({ leaves }: ReceiptsTree): number => leaves.findIndex(({ receipt }) => receipt.fee === 1n);

const samePayer = (a: EpochReceipt, b: EpochReceipt) => a.server === b.server && a.customer === b.customer;

/** All of one payer's calls left out, and told as another's. */
const leftOut = ({ tree, records }: Sold, payer: EpochReceipt, teller: EpochReceipt) => {
  const missing = tree.leaves.filter(({ receipt }) => samePayer(receipt, payer));
  const fees = missing.reduce((sum, { receipt }) => sum + receipt.fee, 0n);
  const receipts = tree.leaves
    .filter(({ receipt }) => !samePayer(receipt, payer))
    .map(({ receipt }) => (receipt === teller ? { ...receipt, fee: receipt.fee + fees } : receipt));
  return ReceiptsTree.of(receipts, records, K);
};

describe("EpochDisputes, decided at once", function () {
  this.timeout(300_000);
  after(stopProver);

  describe("an honest proposal", () => {
    it("stands against every step, shown with or without its sketch", async () => {
      const all = await world();
      const { disputes } = strangers(all);
      const proposal = await proposeTree(all, all.tree);
      for (const index of SALES.keys()) {
        const step = all.tree.step(index);
        for (const shown of [
          step,
          { ...step, v: [], vBefore: [] },
          { ...step, opening: { salt: ethers.ZeroHash, q: "0x" } },
        ])
          await expect(disputes.challengeStep(proposal, shown)).to.be.revertedWithCustomError(
            disputes,
            "DisputesNoFault",
          );
      }
    });

    it("stands against payers with a leaf, and against those who paid nothing", async () => {
      const all = await world();
      const { tree } = all;
      const { disputes } = strangers(all);
      const proposal = await proposeTree(all, tree);
      const count = SALES.length;
      for (const { receipt } of tree.leaves)
        for (let index = 0; index <= count; index++) {
          const neighbours = [tree.proven(index - 1), tree.proven(index)] as const;
          await expect(
            disputes.challengePayer(proposal, receipt.server, receipt.customer, index, ...neighbours),
          ).to.be.revertedWithCustomError(disputes, "JudgePayerElsewhere");
        }
      for (const payer of [ethers.toBeHex(1, 20), ethers.toBeHex((1n << 160n) - 1n, 20)]) {
        const index = payer.endsWith("1") ? 0 : count;
        const neighbours = [tree.proven(index - 1), tree.proven(index)] as const;
        await expect(
          disputes.challengePayer(proposal, payer, payer, index, ...neighbours),
        ).to.be.revertedWithCustomError(disputes, "DisputesNoFault");
      }
      const beyond = disputes.challengePayer(proposal, server, customer, count + 1, tree.proven(0), tree.proven(0));
      await expect(beyond)
        .to.be.revertedWithCustomError(disputes, "JudgeUnknownIndex")
        .withArgs(count + 1, count);
    });

    it("stands against true proofs of its weights, also where nothing is moved", async () => {
      const all = await world();
      const { tree } = all;
      const proposal = await proposeTree(all, tree);
      for (const index of [inner(tree), unmoved(tree)]) {
        const found: Found = { kind: "weight", index };
        const error = await challenge(strangers(all), all.modelId, 0n, tree, found, stranger.address, proving).catch(
          (cause: Error) => cause,
        );
        expect(String(error)).to.include("DisputesNoFault");
      }
      expect(proposal.round).to.equal(1n);
    });

    it("has nothing that an auditor's software finds", async () => {
      const all = await world();
      await proposeTree(all, all.tree);
      expect(await findFault(all, all.modelId, 0n, all.tree, weigh)).to.equal(undefined);
    });
  });

  describe("a wrong step", () => {
    /** What an operator lies about, where it shows, and as what. */
    const LIES: [string, Fault, (all: Sold) => { tree: ReceiptsTree; index: number }][] = [
      [
        "a fee of 2^128",
        "range",
        ({ tree }) => ({
          tree: changed(
            tree,
            1,
            ofReceipt(() => ({ fee: 1n << 128n })),
          ),
          index: 1,
        }),
      ],
      [
        "a weight of 2^64",
        "range",
        ({ tree }) => ({
          tree: changed(
            tree,
            0,
            ofReceipt(() => ({ weight: 1n << 64n })),
          ),
          index: 0,
        }),
      ],
      [
        "a receipt that stands twice",
        "order",
        ({ tree }) => ({ tree: new ReceiptsTree(tree.leaves.toSpliced(1, 0, tree.leaves[0]!)), index: 1 }),
      ],
      [
        "payers out of order",
        "order",
        ({ tree }) => {
          const at = tree.leaves.findIndex(
            ({ receipt }, i) => i > 0 && !samePayer(receipt, tree.leaves[i - 1]!.receipt),
          );
          const [before, after] = [tree.leaves[at - 1]!, tree.leaves[at]!];
          return { tree: new ReceiptsTree(tree.leaves.with(at - 1, after).with(at, before)), index: at };
        },
      ],
      [
        "receipts of a payer out of order",
        "order",
        ({ tree }) => {
          const at = inner(tree);
          const [before, after] = [tree.leaves[at - 1]!, tree.leaves[at]!];
          return { tree: new ReceiptsTree(tree.leaves.with(at - 1, after).with(at, before)), index: at };
        },
      ],
      [
        "a sum of fees",
        "fee sum",
        ({ tree }) => ({ tree: changed(tree, 2, ({ feeSum }) => ({ feeSum: feeSum + 1n })), index: 2 }),
      ],
      [
        "the first sum of fees",
        "fee sum",
        ({ tree }) => ({ tree: changed(tree, 0, ({ feeSum }) => ({ feeSum: feeSum - 1n })), index: 0 }),
      ],
      [
        "a sum of fees that overflows",
        "fee sum",
        ({ tree }) => {
          const huge = changed(tree, 1, () => ({ feeSum: (1n << 256n) - 1n }));
          return { tree: huge, index: 2 };
        },
      ],
      [
        "a payer's sum",
        "payer's sum",
        ({ tree }) => {
          const index = inner(tree);
          return { tree: changed(tree, index, ({ payerFees }) => ({ payerFees: payerFees + 1n })), index };
        },
      ],
      [
        "a weight without a record",
        "no record",
        ({ tree }) => {
          const index = tree.leaves.findIndex(({ receipt }) => receipt.recordId === ethers.ZeroHash);
          return {
            tree: changed(
              tree,
              index,
              ofReceipt(() => ({ weight: 7n })),
            ),
            index,
          };
        },
      ],
      [
        "V behind a receipt without a record",
        "sum",
        ({ tree }) => {
          const index = tree.leaves.findIndex(({ receipt }) => receipt.recordId === ethers.ZeroHash);
          return { tree: shifted(tree, index), index };
        },
      ],
      ["the first V", "sum", ({ tree }) => ({ tree: shifted(tree, 0), index: 0 })],
      [
        "V behind a receipt with a record",
        "sum",
        ({ tree }) => ({ tree: shifted(tree, inner(tree)), index: inner(tree) }),
      ],
      ["the last V", "sum", ({ tree }) => ({ tree: shifted(tree, SALES.length - 1), index: SALES.length - 1 })],
      [
        "the length of V",
        "sum",
        ({ tree }) => ({ tree: changed(tree, inner(tree), ({ v }) => ({ v: [...v, 0n] })), index: inner(tree) }),
      ],
    ];

    for (const [what, fault, lie] of LIES)
      it(`of ${what} costs the operator his stake`, async () => {
        const all = await world();
        const { tree, index } = lie(all);
        const proposal = await proposeTree(all, tree);
        const { disputes } = strangers(all);
        await expectRefuted(all, disputes.challengeStep(proposal, tree.step(index)), fault, index);
      });

    it("of a payer's fees shows at his border", async () => {
      const all = await world();
      // What one payer paid is told as another's, so that all fees add up.
      const { leaves } = all.tree;
      const next = leaves.findIndex(({ receipt }, i) => i > 0 && !samePayer(receipt, leaves[i - 1]!.receipt));
      const tree = forged({ ...all, tree: forged(all, 0, ({ fee }) => ({ fee: fee - 1n })) }, next, ({ fee }) => ({
        fee: fee + 1n,
      }));
      const proposal = await proposeTree(all, tree);
      await expectRefuted(all, strangers(all).disputes.challengeStep(proposal, tree.step(next)), "payer's fees", next);
    });

    for (const [what, sketch] of [
      ["−128", Int8Array.from({ length: K }, (_, j) => (j === 5 ? -128 : 0))],
      ["too large a norm", new Int8Array(K).fill(43)],
      ["too many entries", new Int8Array(K + 1)],
    ] as const)
      it(`over a sketch with ${what} costs the operator his stake`, async () => {
        const all = await world();
        const at = inner(all.tree);
        const before = all.tree.leaves[at]!.receipt;
        const sale = SALES.find(({ server, fee }) => server.address === before.server && fee === before.fee)!;
        const { record, receipt } = await sign(all, { ...sale, sketch: sketch.slice() }, SALES.indexOf(sale));
        expect(receipt.receiptId).to.equal(before.receiptId);
        const tree = changed(all.tree, at, () => ({
          receipt: { ...receipt, weight: before.weight },
          salt: record.sketchSalt,
        }));
        const proposal = await proposeTree(all, tree);
        await expectRefuted(all, strangers(all).disputes.challengeStep(proposal, tree.step(at)), "sketch", at);
      });

    it("is shown by leaves, vectors and openings of this proposal only", async () => {
      const all = await world();
      const { tree } = all;
      const { disputes } = strangers(all);
      const proposal = await proposeTree(all, tree);
      const at = inner(tree);
      const step = tree.step(at);
      const other = tree.step(unmoved(tree));
      for (const [shown, error] of [
        [{ ...step, index: at - 1 }, "JudgeInvalidLeaf"],
        [{ ...step, before: other.leaf, leaf: other.leaf }, "JudgeInvalidLeaf"],
        [{ ...step, before: tree.proven(at + 1) }, "JudgeInvalidLeaf"],
        [{ ...step, leaf: { ...step.leaf, siblings: step.leaf.siblings.slice(1) } }, "JudgeInvalidLeaf"],
        [{ ...step, leaf: { ...step.leaf, leaf: { ...step.leaf.leaf, weight: 1n } } }, "JudgeInvalidLeaf"],
        [{ ...step, v: step.vBefore }, "JudgeInvalidSums"],
        [{ ...step, vBefore: step.v }, "JudgeInvalidSums"],
        [{ ...step, opening: other.opening }, "JudgeInvalidOpening"],
        [{ ...step, opening: { ...step.opening, salt: ethers.id("salt") } }, "JudgeInvalidOpening"],
      ] as const)
        await expect(disputes.challengeStep(proposal, shown)).to.be.revertedWithCustomError(disputes, error);
    });
  });

  describe("a missing payer", () => {
    for (const [where, position] of [
      ["first", 0],
      ["between others", 1],
    ] as const)
      it(`who would stand ${where} costs the operator his stake`, async () => {
        const all = await world();
        const payers = all.tree.leaves
          .map(({ receipt }) => receipt)
          .filter((receipt, i, list) => i === 0 || !samePayer(receipt, list[i - 1]!));
        const payer = payers[position]!;
        const tree = leftOut(all, payer, payers[1 - position]!);
        const proposal = await proposeTree(all, tree);
        const after = tree.leaves.findIndex(({ receipt }) => !samePayer(receipt, payers[0]!));
        const index = position === 0 ? 0 : after;
        const neighbours = [tree.proven(index - 1), tree.proven(index)] as const;
        const sent = strangers(all).disputes.challengePayer(
          proposal,
          payer.server,
          payer.customer,
          index,
          ...neighbours,
        );
        await expectRefuted(all, sent, "missing payer", index);
      });

    it("who would stand last costs the operator his stake", async () => {
      const all = await world();
      const payers = all.tree.leaves
        .map(({ receipt }) => receipt)
        .filter((receipt, i, list) => i === 0 || !samePayer(receipt, list[i - 1]!));
      const tree = leftOut(all, payers[2]!, payers[0]!);
      const proposal = await proposeTree(all, tree);
      const index = tree.leaves.length;
      const neighbours = [tree.proven(index - 1), tree.proven(index)] as const;
      const { server, customer } = payers[2]!;
      const sent = strangers(all).disputes.challengePayer(proposal, server, customer, index, ...neighbours);
      await expectRefuted(all, sent, "missing payer", index);
    });

    it("is shown by true neighbours only", async () => {
      const all = await world();
      const { tree } = all;
      const proposal = await proposeTree(all, tree);
      const { disputes } = strangers(all);
      for (const neighbours of [
        [tree.proven(0), tree.proven(0)],
        [tree.proven(1), tree.proven(1)],
      ] as const)
        await expect(
          disputes.challengePayer(proposal, server, contributors[0]!, 1, ...neighbours),
        ).to.be.revertedWithCustomError(disputes, "JudgeInvalidLeaf");
    });
  });

  describe("a wrong weight", () => {
    for (const [what, of, change] of [
      ["one below", (all: Sold) => inner(all.tree), -1n],
      ["one above where nothing is moved", (all: Sold) => unmoved(all.tree), 1n],
    ] as const)
      it(`of ${what} costs the operator his stake`, async () => {
        const all = await world();
        const index = of(all);
        const tree = forged(all, index, ({ weight }) => ({ weight: weight + change }));
        await proposeTree(all, tree);
        const found: Found = { kind: "weight", index };
        expect(await findFault(all, all.modelId, 0n, tree, weigh)).to.deep.equal(found);
        const sent = challenge(strangers(all), all.modelId, 0n, tree, found, stranger.address, proving);
        const hash = sent.then(async ({ hash }) => (await ethers.provider.getTransaction(hash))!);
        await expectRefuted(all, hash as Promise<ContractTransactionResponse>, "weight", index);
      });

    it("is shown by proofs of this sketch, this model, this epoch and this sender only", async () => {
      const all = await world();
      const { modelId, disputes } = all;
      const index = inner(all.tree);
      const tree = forged(all, index, ({ weight }) => ({ weight: weight + 1n }));
      const proposal = await proposeTree(all, tree);
      const { sketch } = tree.leaves[index]!.receipt;
      const [up, down] = await proveMovement(all, proposal, sketch, stranger.address, await proving());
      const other = await proveMovement(all, proposal, integers("other", K, 9), stranger.address, await proving());
      const others = await proveMovement(all, proposal, sketch, operator.address, await proving());
      const from = disputes.connect(stranger);
      const attempt = (a: typeof up, b: typeof down, opening = tree.opening(index), as = from) =>
        as.challengeWeight(proposal, index, tree.proven(index), opening, a, b);
      for (const [a, b] of [[up, up], [down, up], [other[0], down], [up, other[1]], others] as const)
        expect(String(await attempt(a, b).catch((error: Error) => error))).to.match(
          /Verifier(TotalsMismatch|ProofInvalid)/,
        );
      const copied = await attempt(up, down, tree.opening(index), disputes.connect(operator)).catch(
        (error: Error) => error,
      );
      expect(String(copied)).to.include("VerifierTotalsMismatch");
      await expect(attempt(up, down, tree.opening(unmoved(tree)))).to.be.revertedWithCustomError(
        disputes,
        "JudgeInvalidOpening",
      );
      for (const [a, b] of [
        [NO_SCORES, down],
        [up, NO_SCORES],
      ] as const)
        await expect(attempt(a, b)).to.be.revertedWithCustomError(disputes, "JudgeProofMissing");
      await attempt(up, down);
      expect((await all.splitter.epoch(modelId, 0n)).proposedAt).to.equal(0n);
    });
  });

  describe("an auditor's software", () => {
    it("finds a wrong step or a missing payer, and sends what shows it", async () => {
      const all = await world();
      const at = inner(all.tree);
      const snapshot = await networkHelpers.takeSnapshot();
      const { server, customer } = all.tree.leaves[0]!.receipt;
      const teller = all.tree.leaves.find(
        ({ receipt }, i) => i > 0 && !samePayer(receipt, all.tree.leaves[0]!.receipt),
      )!;
      for (const [tree, found] of [
        [shifted(all.tree, at), { kind: "step", index: at, fault: "sum" }],
        [leftOut(all, all.tree.leaves[0]!.receipt, teller.receipt), { kind: "payer", index: 0, server, customer }],
      ] as const) {
        await proposeTree(all, tree);
        const first = await findFault(all, all.modelId, 0n, tree, weigh);
        if (found.kind === "step") expect(first).to.deep.equal(found);
        await challenge(strangers(all), all.modelId, 0n, tree, found, stranger.address, proving);
        expect((await all.splitter.epoch(all.modelId, 0n)).proposedAt).to.equal(0n);
        await snapshot.restore();
      }
    });

    it("demands a record that does not open to the sketch it was shown", async () => {
      const all = await world();
      const at = inner(all.tree);
      await proposeTree(all, all.tree);
      const shown = changed(all.tree, at, () => ({ salt: ethers.id("other") }));
      const found = await findFault(all, all.modelId, 0n, shown, weigh);
      expect(found).to.deep.equal({ kind: "demand", index: at });
      await challenge(strangers(all), all.modelId, 0n, shown, found!, stranger.address, proving);
      expect((await all.disputes.dispute(1n)).target).to.equal(BigInt(at));
    });

    it("refuses leaves that were not proposed, and epochs without a proposal", async () => {
      const all = await world();
      const find = () => findFault(all, all.modelId, 0n, all.tree, weigh).catch((cause: Error) => cause);
      expect(String(await find())).to.match(/has no proposal.*EPOCH_NOT_PROPOSED/);
      await proposeTree(all, shifted(all.tree, 0));
      expect(String(await find())).to.match(/Ask the operator for the right ones.*DISPUTE_OTHER_TREE/);
    });

    it("may ask the judge before it sends anything", async () => {
      const all = await world();
      const judge = await receiptJudge(all);
      expect(await judge.splitter()).to.equal(all.splitter.target);
      const proposal = await proposeTree(all, shifted(all.tree, 0));
      expect(FAULTS[Number(await judge.stepFault(proposal, shifted(all.tree, 0).step(0)))]).to.equal("sum");
    });
  });

  describe("any challenge", () => {
    it("hits one proposal only: not the next, not a settled one, and not the same twice", async () => {
      const all = await world();
      const { splitter, modelId } = all;
      const { disputes } = strangers(all);
      const bad = shifted(all.tree, 0);
      const proposal = await proposeTree(all, bad);
      await disputes.challengeStep(proposal, bad.step(0));
      const gone = () =>
        expect(disputes.challengeStep(proposal, bad.step(0)))
          .to.be.revertedWithCustomError(disputes, "JudgeNoProposal")
          .withArgs(modelId, 0n, 1n);
      await gone();
      const next = await proposeTree(all, all.tree);
      expect(next.round).to.equal(2n);
      await gone();
      await expect(disputes.challengeStep({ ...next, round: 3n }, bad.step(0))).to.be.revertedWithCustomError(
        disputes,
        "JudgeNoProposal",
      );
      await expect(disputes.challengeStep(next, bad.step(0))).to.be.revertedWithCustomError(
        disputes,
        "JudgeInvalidLeaf",
      );
      expect((await splitter.epoch(modelId, 0n)).proposer).to.equal(operator.address);
      expect(weightOf(integers("query 0", K, 20), 1000n)).to.be.greaterThan(0n);
    });

    it("pays whoever is mined first, in the same block too", async () => {
      const all = await world();
      const bad = shifted(all.tree, 0);
      const proposal = await proposeTree(all, bad);
      await ethers.provider.send("evm_setAutomine", [false]);
      const senders = [stranger, contributors[6]!];
      const sent = [];
      for (const [i, sender] of senders.entries())
        sent.push(
          await all.disputes.connect(sender).challengeStep(proposal, bad.step(0), {
            gasLimit: 5_000_000n,
            maxPriorityFeePerGas: 10n ** BigInt(10 - i),
            maxFeePerGas: 10n ** 11n,
          }),
        );
      await networkHelpers.mine();
      await ethers.provider.send("evm_setAutomine", [true]);
      const receipts = await Promise.all(sent.map(({ hash }) => ethers.provider.getTransactionReceipt(hash)));
      expect(receipts.map((receipt) => receipt!.status)).to.deep.equal([1, 0]);
      expect(new Set(receipts.map((receipt) => receipt!.blockNumber)).size).to.equal(1);
      expect(await all.operators.credits(all.token, contributors[6]!)).to.equal(0n);
    });
  });
});
