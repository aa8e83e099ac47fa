/**
 * The shared test vectors of docs/protocol.md that need no proof. Inputs come from a hash counter, so they change only
 * if the encodings do. Points here are only hashed, so they need not be on the curve.
 */
import { getBytes, keccak256 } from "ethers";
import {
  commitmentSalts,
  escrowDomain,
  receiptId,
  recordId,
  requestCommitment,
  responseCommitment,
  sketchCommitment,
  splitterDomain,
  voucherDigest,
} from "../eip712.ts";
import { floorUnits, quantise, sharePot, sumReceipts, toFee18 } from "../epoch.ts";
import { type G1, type G2, keccak, mod, tag, words } from "../hash.ts";
import { claimLeaf, claimProof, claimRoot, leaf, merkleProof, merkleRoot } from "../merkle.ts";
import { encodeContribution, type Row, rowHash, rowRoot } from "../rows.ts";
import {
  type ChunkProof,
  commitmentId,
  DEVELOPMENT,
  encodePoint,
  encodeTotals,
  flagsBefore,
  foldingChallenge,
  foldRows,
  registrationChallenges,
  rowLengths,
  runningSums,
  settlementChallenges,
  sketchRoot,
  starts,
  sumLeaves,
  type VerifyingKey,
  vkId,
} from "../transcript.ts";
import { address, bytes32 } from "./write.ts";

/** Contents of the JSON files beside this one, by name. */
export const encodings: Record<string, unknown> = {};

const scalar = (label: string, i: number): bigint => mod(BigInt(bytes32(label, i)));
const g1 = (label: string, i = 0): G1 => [scalar(`${label} x`, i), scalar(`${label} y`, i)];
const g2 = (label: string, i = 0): G2 => [...g1(label, 2 * i), ...g1(label, 2 * i + 1)] as unknown as G2;
const int8s = (label: string, length: number): Int8Array =>
  Int8Array.from({ length }, (_, i) => Math.max(-127, getBytes(bytes32(label, i))[0]! - 128));

const rows: Row[] = [
  { path: "a.sol", text: "contract A {}\n" },
  { path: "a.sol", text: "// naïve ∑\n" },
  { path: "b/c.md", text: 'quoted "text"\twith\\escapes\n' },
];
const rowLeaves = rows.map(({ text }, i) => leaf("Row", i, ["bytes32"], [rowHash(text)]));
const sketches = int8s("sketch", 5 * 4);

const rd = bytes32("rd", 0);
const { zeta, gamma } = registrationChallenges(rd);
const sums = runningSums(foldRows(sketches, 4, gamma), rowLengths(sketches, 4), zeta);

encodings.rows = {
  rows,
  hashes: rows.map(({ text }) => rowHash(text)),
  leaves: rowLeaves,
  root: rowRoot(rows),
  proofs: rowLeaves.map((_, i) => merkleProof(rowLeaves, i)),
  file: encodeContribution(rows),
  sketches: {
    k: 4,
    rows: 5,
    bytes: sketches,
    root: sketchRoot(sketches, 4),
    rd,
    sums,
    sumRoot: merkleRoot(sumLeaves(sums)),
  },
};

const versionContributions = [0, 1, 2].map((i) => ({
  id: BigInt(i + 1),
  account: address(`contributor ${i}`),
  rows: [3n, 200n, 7n][i]!,
  rowRoot: bytes32("row root", i),
}));
const version = { chainId: 31337n, datanetRegistry: address("datanets"), datanetId: 4n, version: 2n };
const versionHash = keccak(
  ["bytes32", "uint256", "address", "uint256", "uint256", "bytes32"],
  [
    tag("Version"),
    version.chainId,
    version.datanetRegistry,
    version.datanetId,
    version.version,
    words(versionContributions.flatMap(({ id, account, rows: n, rowRoot: root }) => [id, account, n, root])),
  ],
);
const registrations = [[3, 200, 7], [210, 1, 419], [12]].map((counts, n) => {
  const statement = {
    chainId: 31337n,
    registry: address("registry"),
    modelId: BigInt(n + 1),
    versionHashes: [versionHash, bytes32("version", n)].slice(0, n + 1),
    k: 128,
    counts,
    baseWeights: counts.map((count, c) => 100 * count - c),
    columns: new Uint8Array(
      Array.from({ length: 128 }, (_, j) => (j === 5 ? ([0n, 0n] as G1) : g1("column", j))).flatMap((point) => [
        ...encodePoint(point),
      ]),
    ),
    flags: counts.length === 1 ? ([0n, 0n] as G1) : g1("flags", n),
    gRoot: bytes32("gRoot", n),
    m0: BigInt(bytes32("m0", n)) >> 192n,
    manifestHash: bytes32("manifest", n),
  };
  const id = commitmentId(statement);
  return {
    ...statement,
    columns: undefined,
    columnsHash: keccak256(statement.columns),
    commitmentId: id,
    ...registrationChallenges(id),
    starts: starts(counts),
    flagsBefore: flagsBefore(counts, 210, Math.ceil(counts.reduce((sum, n) => sum + n, 0) / 210)),
  };
});
encodings.registration = {
  version: { ...version, contributions: versionContributions, versionHash },
  registrations,
};

const key: VerifyingKey = {
  alpha1: g1("alpha"),
  beta2: g2("beta"),
  gamma2: g2("gamma"),
  delta2: g2("delta"),
  ic: Array.from({ length: 6 }, (_, i) => g1("ic", i)) as unknown as VerifyingKey["ic"],
  chunkRows: 1260,
};
const tauG2 = g2("tau");
encodings.keys = {
  key,
  tauG2,
  vkId: vkId(key, tauG2, false),
  developmentVkId: vkId(key, tauG2, true),
  developmentScalars: DEVELOPMENT,
};

encodings.settlement = [1, 2, 3].map((m) => {
  const totals = Array.from({ length: 2 * m }, (_, c) => (c === 1 ? 0n : BigInt(bytes32("total", c)) >> 200n));
  const statement = {
    splitter: address("splitter"),
    chainId: 31337n,
    verifier: address("verifier"),
    vkId: vkId(key, tauG2, true),
    commitmentId: registrations[m - 1]!.commitmentId,
    epochId: BigInt(m - 1),
    prover: address("prover"),
    floorUnits: 10n ** 15n * BigInt(m),
    q: int8s("q", 128),
    scoreCommitment: g1("score", m),
    totals: encodeTotals(totals),
    h: Array.from({ length: m }, (_, t) => scalar("h", t)),
  };
  const { sd, z, x } = settlementChallenges(statement);
  const chunks: ChunkProof[] = statement.h.map((h, t) => ({
    h,
    y: scalar("y", t),
    a: scalar("a", t),
    pA: g1("A", t),
    pB: g2("B", t),
    pC: g1("C", t),
  }));
  const proof = { chunks, opening: g1("W", m) };
  return { ...statement, totalValues: totals, sd, z, x, proof, lambda: foldingChallenge(sd, proof) };
});

// Two servers; the first has two customers, who share a server or an account with the others.
const receipts = [0, 1, 2, 3, 4].map((i) => ({
  server: address(`server ${[0, 1, 0, 0, 1][i]}`),
  customer: address(`customer ${[0, 0, 1, 0, 0][i]}`),
  receiptId: bytes32("receipt", i),
  recordId: bytes32("record", i),
  fee: BigInt(bytes32("fee", i)) >> 220n,
  weight: BigInt(bytes32("weight", i)) >> 193n,
  sketch: int8s(`q ${i}`, 4),
}));
const summed = sumReceipts(receipts, 4);
const quantiseCases: [bigint[], bigint][] = [
  [[0n, 0n, 0n, 0n], 0n],
  [[1n, -1n, 0n, 2n], 10n ** 18n],
  [[(1n << 120n) - 1n, -(1n << 119n), 3n, 0n], 10n ** 24n + 7n],
  [Array<bigint>(128).fill(1_000_003n), 5n * 10n ** 17n],
  [Array.from({ length: 128 }, (_, j) => (BigInt(bytes32("v", j)) >> 140n) - (1n << 115n)), 123_456_789n],
  [Array.from({ length: 512 }, (_, j) => (j % 2 ? 1n : -1n) * BigInt(j) ** 3n), toFee18(3_250_000n, 6)],
  [summed.v, toFee18(summed.fees, 18)],
];
const claims = [10n, 0n, 10n ** 24n, 5n, 7n];
encodings.epoch = {
  receipts: {
    k: 4,
    receipts,
    v: summed.v,
    fees: summed.fees,
    root: summed.root,
    payerFees: summed.leaves.map(({ payerFees }) => payerFees),
    leaves: summed.leaves.map(({ hash }) => hash),
    lastProof: merkleProof(
      summed.leaves.map(({ hash }) => hash),
      4,
    ),
  },
  quantise: quantiseCases.map(([v, fees18]) => {
    const { q, d } = quantise(v);
    return {
      v,
      q,
      d,
      squares: q.reduce((sum, entry) => sum + entry * entry, 0),
      fees18,
      floorUnits: floorUnits(fees18, d),
    };
  }),
  sharePot: [
    { pot: 1_000_000n, totals: [5n, 0n, 3n], floor: 4n, base: [3n, 200n, 7n] },
    { pot: 1_000_000n, totals: [5n, 0n, 3n], floor: 40n, base: [3n, 200n, 7n] },
    { pot: 1_000_003n, totals: [0n, 0n, 0n], floor: 40n, base: [3n, 200n, 7n] },
    { pot: 999n, totals: [0n, 0n], floor: 0n, base: [1n, 2n] },
    { pot: (1n << 127n) + 1n, totals: [(1n << 64n) - 1n, 1n], floor: 1n << 70n, base: [1n, 4_000_000_000n] },
    { pot: 0n, totals: [1n, 2n], floor: 1n, base: [1n, 2n] },
  ].map((input) => ({ ...input, ...sharePot(input.pot, input.totals, input.floor, input.base) })),
  claims: {
    commitmentId: bytes32("commitment", 0),
    cumulative: claims,
    leaves: claims.map((amount, c) => claimLeaf(bytes32("commitment", 0), c, amount)),
    root: claimRoot(bytes32("commitment", 0), claims),
    proofs: claims.map((_, c) => claimProof(bytes32("commitment", 0), claims, c)),
  },
};

const parties = { customer: address("customer"), server: address("server"), modelId: 1n, epochId: 7n };
const voucher = { ...parties, token: address("token"), cumulative: 10n ** 18n, deadline: 4_102_444_800n };
const secret = bytes32("secret", 0);
const salts = commitmentSalts(secret);
const call = { promptIds: [1, 2, 49151], completionIds: [0], sketch: int8s("call", 128) };
const receipt = {
  ...parties,
  nonce: 3n,
  request: requestCommitment(salts.request, call.promptIds),
  response: responseCommitment(salts.response, call.completionIds),
  inputTokens: 3n,
  outputTokens: 1n,
  fee: 123_456n,
};
const escrow = escrowDomain(31337n, address("escrow"));
const splitter = splitterDomain(31337n, address("splitter"));
const sketchRecord = { receiptId: receiptId(splitter, receipt), sketch: sketchCommitment(salts.sketch, call.sketch) };
encodings.eip712 = {
  escrow,
  splitter,
  voucher: { ...voucher, digest: voucherDigest(escrow, voucher) },
  call: { secret, salts, ...call },
  receipt,
  sketchRecord,
  recordId: recordId(splitter, sketchRecord),
};
