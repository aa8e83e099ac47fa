import { expect } from "chai";
import { type Contribution, nextVersion } from "../../sdk/views/datanets.ts";
import { distance, epochProgress } from "../../sdk/views/epochs.ts";
import { claimedFrom, sharesOf } from "../../sdk/views/money.ts";

const TIMING = { epochLength: 100n, redeemWindow: 10n, proposeWindow: 50n, challengeWindow: 20n };
const OPEN = { openedAt: 1000n, closedAt: 0n, proposedAt: 0n, settledAt: 0n, reopenedAt: 0n, disputes: 0n };

describe("what an epoch waits for", () => {
  const at = (now: bigint, epoch: Partial<typeof OPEN> = {}, fallback = 1300n) =>
    epochProgress({ ...OPEN, ...epoch }, TIMING, fallback, now);

  it("is time or somebody, from opening to settlement", () => {
    const closed = { closedAt: 1100n };
    const proposed = { ...closed, proposedAt: 1120n };
    const cases = [
      [at(1099n), "open: takes fees", "mayClose"],
      [at(1100n), "open: takes fees", undefined],
      [at(1109n, closed), "closed: its fees may still be redeemed", "redeemingEnds"],
      [at(1110n, closed), "may be proposed", undefined],
      [at(1150n, closed), "nothing was proposed: waits for base weights", "baseWeightsPay"],
      [at(1300n, closed), "may be settled by base weights", undefined],
      [at(1139n, proposed), "proposed: may be challenged", "challengesEnd"],
      [at(1140n, proposed), "may be settled", undefined],
      [at(1139n, { ...proposed, disputes: 1n }, 0n), "disputed", undefined],
      [at(1189n, { ...closed, reopenedAt: 1140n }), "may be proposed", undefined],
      [at(1190n, { ...closed, reopenedAt: 1140n }), "nothing was proposed: waits for base weights", "baseWeightsPay"],
      [at(1500n, { ...proposed, settledAt: 1200n }), "settled", undefined],
    ] as const;
    for (const [progress, state, waitsFor] of cases) {
      expect(progress.state).to.equal(state);
      expect(progress.waitsFor, state).to.equal(waitsFor);
    }
  });

  it("names a time that is among its times, and still to come", () => {
    const { waitsFor, times } = at(1109n, { closedAt: 1100n });
    expect(times[waitsFor!]).to.equal(1110n);
  });

  it("is said in the unit people would use", () => {
    expect(distance(160, 100)).to.equal("in 60 s");
    expect(distance(100, 400)).to.equal("5 min ago");
    expect(distance(200_000, 0)).to.equal("in 2 d");
  });
});

describe("an epoch's money", () => {
  it("is shared out to the last unit: what floors leave is the operator's", () => {
    const credited = [
      { serverShare: 6n, ownerShare: 6n, protocolShare: 1n },
      { serverShare: 1n, ownerShare: 1n, protocolShare: 0n },
    ];
    const shares = sharesOf({ fees: 42n, dataBps: 5000n }, credited, 2n);
    expect(shares).to.deep.equal({ data: 21n, owner: 7n, royalties: 2n, server: 7n, protocol: 1n, operator: 4n });
    expect(Object.values(shares).reduce((sum, share) => sum + share)).to.equal(42n);
  });

  it("counts claims against the oldest payouts first", () => {
    const first = { before: [0n, 0n], pay: [10n, 20n] };
    const second = { before: [10n, 20n], pay: [5n, 5n] };
    expect(claimedFrom(first, [12n, 8n])).to.deep.equal([10n, 8n]);
    expect(claimedFrom(second, [12n, 8n])).to.deep.equal([2n, 0n]);
  });
});

describe("a Datanet's next version", () => {
  const contribution = (id: bigint, status: Contribution["status"]): Contribution => ({
    id,
    account: "0x",
    rows: 1n,
    status,
    cid: "bafy",
  });
  const contributions = [contribution(1n, "accepted"), contribution(2n, "rejected"), contribution(3n, "accepted")];

  it("holds all that was accepted, and there is none while nothing new was", () => {
    const version = (contributionIds: bigint[]) => ({ version: 1n, contributionIds, hash: "0x" });
    expect(nextVersion(contributions, []).map(({ id }) => id)).to.deep.equal([1n, 3n]);
    expect(nextVersion(contributions, [version([1n])]).map(({ id }) => id)).to.deep.equal([1n, 3n]);
    expect(nextVersion(contributions, [version([1n, 3n])])).to.deep.equal([]);
    expect(nextVersion(contributions, [version([1n, 2n])]).map(({ id }) => id)).to.deep.equal([1n, 3n]);
  });
});
