import { getBytes, hexlify } from "ethers";
import { Bn254 } from "../circuits/bn254.ts";
import type { Srs } from "../circuits/setup/srs.ts";
import type { Content } from "../sdk/content.ts";
import type { Protocol } from "../sdk/contracts.ts";
import { deriveVersions } from "../sdk/datanets.ts";
import { BPS, floorUnits, quantise, receiptLeaf, sharePot, toFee18 } from "../sdk/epoch.ts";
import { OpenLedgerError } from "../sdk/errors.ts";
import { type Finding, Findings, requireThat } from "../sdk/findings.ts";
import { BASE_FIELD, FIELD, type G1, int8Bytes } from "../sdk/hash.ts";
import { earningEvents, proposalOf } from "../sdk/history.ts";
import { claimRoot, merkleVerify } from "../sdk/merkle.ts";
import { fetchManifest } from "../sdk/models.ts";
import { scoreRows, totalsOf } from "../sdk/scores.ts";
import {
  baseWeights,
  commitmentId as digestOf,
  isDevelopmentKey,
  rowLengths,
  type SettlementProof,
  sketchRoot,
  type VerifyingKey,
  vkId,
} from "../sdk/transcript.ts";
import { settlementsOf } from "../sdk/views/money.ts";
import { lastReceiptOf, settleCallOf } from "../sdk/views/proofs.ts";
import { checkSettlement } from "./check.ts";
import { type ColumnCommitter, commitColumns, commitFlags } from "./kzg.ts";

/*
 * A settlement checked from scratch: everything comes from the chain's storage, events and calldata and from published
 * content, and is computed again. Free of Node-only imports, so that a browser can do the same.
 */

/** Σ g² of a sketch row stays within this, so that no score leaves the circuit's range. */
const MAX_ROW_SQUARES = 136 ** 2;

/**
 * Checks how an epoch was settled. A check that does not hold is a finding and does not end the others, as far as they can
 * go on without it.
 *
 * @param powers powers of τ under a verifying key for so many rows, whose τG2 must be the chain's
 * @param found is told of each finding as it is made
 * @param commit commits the sketches again; `commitInThreads` does so faster where there are threads
 * @throws OpenLedgerError `VERIFY_NOT_SETTLED`
 */
export async function verifySettlement(
  protocol: Protocol,
  content: Content,
  powers: (vkId: string, rows: number) => Promise<Srs>,
  modelId: bigint,
  epochId: bigint,
  found: (finding: Finding) => void = () => {},
  commit: ColumnCommitter = commitColumns,
): Promise<Finding[]> {
  const { splitter, attribution, verifier, models, datanets, escrow, addresses } = protocol;
  const { chainId } = await splitter.runner!.provider!.getNetwork();
  const settlements = await settlementsOf(splitter, modelId);
  const settlement = settlements.find((one) => one.epochId === epochId);
  if (settlement === undefined)
    throw new OpenLedgerError(
      "VERIFY_NOT_SETTLED",
      `Epoch ${epochId} of model ${modelId} is not settled, so there is nothing to verify. \`epoch:show\` says what it waits for.`,
    );
  const epoch = await splitter.epoch(modelId, epochId);
  const { commitmentId } = epoch;
  const commitment = await attribution.commitment(commitmentId);
  const k = Number(commitment.k);
  const rows = Number(commitment.rows);
  const counts = (await attribution.rowCounts(commitmentId)).map(Number);
  const base = [...(await attribution.baseWeights(commitmentId))];
  const columns = getBytes(await attribution.columns(commitmentId));
  const flags: G1 = [commitment.flags[0], commitment.flags[1]];
  const paidByBase = settlement.totals.length === 0;

  const findings = new Findings(found);
  const check: Findings["check"] = (name, run) => findings.check(name, run);
  const skip = (name: string, why: string) => findings.skip(name, why);

  await check("fees", async () => {
    const redeemed = await escrow.queryFilter(escrow.filters.VoucherRedeemed());
    const mine = redeemed.filter(({ args }) => args.modelId === modelId && args.epochId === epochId);
    const sum = mine.reduce((total, { args }) => total + args.amount, 0n);
    requireThat(sum === epoch.fees, `the escrow redeemed ${sum}, the epoch booked ${epoch.fees}`);
    return { detail: `${mine.length} redemptions add up to the epoch's ${sum} token units` };
  });

  /** The last receipt carries V and all fees; what stands before it is not published. */
  async function checkReceipts(): Promise<void> {
    if (epoch.proposedAt === 0n) return skip("receipts", "nobody proposed any");
    if (epoch.count === 0n) return skip("receipts", "there were none, and no fees");
    const last = await lastReceiptOf(protocol, modelId, epochId);
    if (last === undefined) return skip("receipts", "another contract sent them; the last does not show here");
    await check("receipts", async () => {
      const { v } = await proposalOf(splitter, modelId, epochId);
      const at = Number(epoch.count) - 1;
      const hash = receiptLeaf(at, last, { v, feeSum: epoch.fees, payerFees: last.payerFees });
      requireThat(
        last.proof.length === Math.ceil(Math.log2(at + 1)) && merkleVerify(epoch.receiptsRoot, hash, at, last.proof),
        "the last receipt, with V and all fees as its sums, is not under the proposal's root",
      );
      const redeemed = await escrow.redeemed(last.customer, last.server, modelId, epochId, epoch.token);
      requireThat(
        last.payerFees === redeemed,
        `the last payer's receipts add up to ${last.payerFees}, the escrow redeemed ${redeemed} of him`,
      );
      return {
        detail: `the last of ${epoch.count} closes the tree with V, all fees and its payer's; who holds the others, which are not published, can check each step`,
      };
    });
  }

  const versions = await check("rows and owners", async () => {
    const [manifest, named] = await models.release(modelId, commitment.release);
    const hashes: string[] = [];
    const frozen: bigint[] = [];
    for (const { datanetId, version } of named) {
      const derived = (await deriveVersions(datanets, chainId, datanetId)).find((one) => one.version === version);
      const stored = await datanets.versionHash(datanetId, version);
      requireThat(derived?.hash === stored, `version ${version} of Datanet ${datanetId} is not what its events give`);
      hashes.push(stored);
      for (const id of derived!.contributionIds) frozen.push((await datanets.contribution(id)).rows);
    }
    requireThat(
      frozen.join() === counts.map(BigInt).join(),
      `the commitment counts rows as ${counts.join(", ")}; the frozen versions as ${frozen.join(", ")}`,
    );
    return {
      detail: `${counts.length} contributors with ${rows} rows, as ${hashes.length} frozen versions give from events`,
      value: { hashes, manifest },
    };
  });

  const sketches = await check("published sketches", async () => {
    const { manifest } = await fetchManifest(models, content, modelId, commitment.release);
    const matrix = Int8Array.from(await content.get(manifest.sketches.rows));
    requireThat(matrix.length === rows * k, `they have ${matrix.length} entries, not ${rows} × ${k}`);
    requireThat(sketchRoot(matrix, k) === commitment.gRoot, "their root is not the one registered");
    for (let i = 0; i < rows; i++) {
      const row = matrix.subarray(i * k, (i + 1) * k);
      const squares = row.reduce((sum, entry) => sum + entry * entry, 0);
      requireThat(!row.includes(-128) && squares <= MAX_ROW_SQUARES, `row ${i} is out of bounds (Σg² = ${squares})`);
    }
    return { detail: `${rows} × ${k} entries under the registered root, all within bounds`, value: matrix };
  });

  if (sketches === undefined) skip("base weights", "the published sketches are not those registered");
  else
    await check("base weights", async () => {
      const again = baseWeights(rowLengths(sketches, k), counts).map(BigInt);
      const other = again.findIndex((weight, c) => weight !== base[c]);
      requireThat(
        other < 0 && again.length === base.length,
        `the rows of contributor ${other} are ${again[other]} long together, his registered base weight is ${base[other]}`,
      );
      const total = again.reduce((sum, weight) => sum + weight, 0n);
      return { detail: `${again.length} contributors' rows, measured again, are ${total} long together` };
    });

  const srs = await powers(epoch.vkId, rows);
  if (sketches === undefined) skip("commitments", "the published sketches are not those registered");
  else
    await check("commitments", async () => {
      requireThat(srs.tauG2.join() === (await attribution.tauG2()).join(), "the powers of τ are not the chain's");
      const again = await commit(sketches, k, srs);
      requireThat(hexlify(again) === hexlify(columns), "the columns on-chain commit other sketches");
      requireThat((await commitFlags(counts, srs)).join() === flags.join(), "the flags on-chain stand elsewhere");
      return { detail: `${k} columns and the owners' flags, committed again, are those on-chain` };
    });

  if (versions === undefined) skip("registration", "rows and owners are not those frozen");
  else
    await check("registration", async () => {
      const digest = digestOf({
        chainId,
        registry: addresses.attribution,
        modelId,
        versionHashes: versions.hashes,
        k,
        counts,
        baseWeights: base.map(Number),
        columns,
        flags,
        gRoot: commitment.gRoot,
        m0: commitment.m0,
        manifestHash: versions.manifest.manifestHash,
      });
      requireThat(digest === commitmentId, `the registration's digest is ${digest}, not ${commitmentId}`);
      return { detail: "its digest is the commitment's id" };
    });

  if (epoch.proposedAt === 0n) skip("Q", "nobody proposed V: base weights paid after the last deadline");
  const proposed =
    epoch.proposedAt === 0n
      ? undefined
      : await check("Q", async () => {
          const proposal = await proposalOf(splitter, modelId, epochId);
          const { q, d } = quantise(proposal.v);
          requireThat(q.join() === proposal.q.join(), "Q is not the rounding of the proposed V");
          const floor = floorUnits(toFee18(epoch.fees, Number(epoch.decimals)), d);
          requireThat(floor === epoch.floorUnits, `the floor is ${floor}, the chain has ${epoch.floorUnits}`);
          return { detail: `derived again from V, with the floor ${floor}`, value: q };
        });
  await checkReceipts();

  if (paidByBase) {
    skip("totals", "base weights paid: no totals were claimed");
    skip("proof", "base weights paid: nothing was proven");
  } else {
    if (sketches === undefined || proposed === undefined) skip("totals", "sketches or Q do not hold");
    else
      await check("totals", async () => {
        const again = totalsOf(scoreRows(sketches, proposed), counts);
        const other = again.findIndex((total, c) => total !== settlement.totals[c]);
        requireThat(
          other < 0 && again.length === settlement.totals.length,
          `contributor ${other} scored ${again[other]}, the settlement says ${settlement.totals[other]}`,
        );
        return { detail: `${again.length} contributors' totals, scored again from the sketches` };
      });
    const call = await settleCallOf(protocol, modelId, settlement);
    if (call === undefined) skip("proof", "another contract sent it; its calldata does not show here");
    else
      await check("proof", async () => {
        const [registered] = await verifier.queryFilter(verifier.filters.VerifyingKeyRegistered(epoch.vkId));
        const key = verifyingKeyOf(registered!.args);
        const id = vkId(key, srs.tauG2, isDevelopmentKey(epoch.vkId));
        requireThat(id === epoch.vkId, `the key's content hash is ${id}, not ${epoch.vkId}`);
        requireThat(
          proposed === undefined || int8Bytes(proposed).join() === int8Bytes(call.statement.q).join(),
          "the proof is for another Q",
        );
        await requirePoints(call.proof);
        await checkSettlement({ statement: call.statement, counts, flags, key, tauG2: srs.tauG2 }, call.proof);
        const { length } = call.proof.chunks;
        const development = isDevelopmentKey(epoch.vkId) ? " DEVELOPMENT KEY: its secrets are public." : "";
        return { detail: `equations (1) to (3) hold for ${length} chunk${length === 1 ? "" : "s"}.${development}` };
      });
  }

  await check("shares", async () => {
    const dataShare = (epoch.fees * epoch.dataBps) / BPS;
    const earlier = settlements.slice(0, settlements.indexOf(settlement));
    const last = earlier.findLast((one) => one.commitmentId === commitmentId);
    const dust = last === undefined ? 0n : last.pot - last.pay.reduce((sum, amount) => sum + amount, 0n);
    requireThat(
      settlement.pot === dataShare + dust,
      `the pot is ${settlement.pot}, not ${dataShare} + ${dust} of dust`,
    );
    const totals = paidByBase ? base.map(() => 0n) : settlement.totals;
    const { pay } = sharePot(settlement.pot, totals, paidByBase ? 0n : epoch.floorUnits, base);
    const other = pay.findIndex((amount, c) => amount !== settlement.pay[c]);
    requireThat(other < 0, `contributor ${other} is due ${pay[other]}, the settlement paid ${settlement.pay[other]}`);
    return { detail: `a pot of ${settlement.pot} token units, shared again to the last unit` };
  });

  const last = (await earningEvents(splitter, { commitmentId })).at(-1)!;
  if (last.event.transactionHash !== settlement.transaction)
    skip("claims", "a later settlement or correction replaced the root; verify the last settlement for it");
  else
    await check("claims", async () => {
      const cumulative = settlement.before.map((amount, c) => amount + settlement.pay[c]!);
      requireThat(
        claimRoot(commitmentId, cumulative) === (await splitter.claimsRoot(commitmentId)),
        "the root on-chain is not that of the published earnings",
      );
      return { detail: "the root on-chain is that of everybody's earnings" };
    });
  return findings.all;
}

type Registered = Omit<VerifyingKey, "chunkRows" | "ic"> & { ic: [bigint, bigint][]; chunkRows: bigint };

function verifyingKeyOf({ key }: { key: Registered }): VerifyingKey {
  const { alpha1, beta2, gamma2, delta2, ic, chunkRows } = key;
  return {
    alpha1: [...alpha1],
    beta2: [...beta2],
    gamma2: [...gamma2],
    delta2: [...delta2],
    ic: ic.map(([x, y]) => [x, y]) as VerifyingKey["ic"],
    chunkRows: Number(chunkRows),
  };
}

/** Public values have one representation, and points lie on their curves; those of G2 in the group of order r. */
async function requirePoints({ chunks, opening }: SettlementProof): Promise<void> {
  const bn254 = await Bn254.load();
  const { G1, G2 } = bn254.curve;
  for (const [t, { h, y, a, pA, pB, pC }] of chunks.entries()) {
    requireThat(
      [h, y, a].every((value) => value < FIELD),
      `chunk ${t} has a public value of r or more`,
    );
    const second = bn254.rawG2(pB);
    requireThat(
      [...pA, ...pB, ...pC].every((coordinate) => coordinate < BASE_FIELD) &&
        [pA, pC].every((point) => G1.isValid(bn254.rawG1(point))) &&
        G2.isValid(second) &&
        G2.isZero(G2.timesScalar(second, FIELD)),
      `chunk ${t} has a point that is not in its group`,
    );
  }
  requireThat(
    opening.every((coordinate) => coordinate < BASE_FIELD) && G1.isValid(bn254.rawG1(opening)),
    "the opening is not on the curve",
  );
}
