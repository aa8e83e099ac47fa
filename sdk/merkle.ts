import { concat, keccak256, ZeroHash } from "ethers";
import { keccak, tag } from "./hash.ts";

/** Positional leaf: hashed twice, so that no inner node can stand for it. */
export const leaf = (name: string, index: number | bigint, types: string[] = [], values: unknown[] = []): string =>
  keccak256(keccak(["bytes32", "uint256", ...types], [tag(name), index, ...values]));

/**
 * Layers of a positional tree, leaves first. Leaves are padded with zero to the next power of two and pairs are never sorted,
 * so a proof fixes the position.
 */
function layers(leaves: string[]): string[][] {
  if (leaves.length === 0) return [[ZeroHash]];
  const width = 2 ** Math.ceil(Math.log2(leaves.length));
  const all = [leaves.concat(Array<string>(width - leaves.length).fill(ZeroHash))];
  while (all.at(-1)!.length > 1) {
    const below = all.at(-1)!;
    all.push(Array.from({ length: below.length / 2 }, (_, i) => keccak256(concat([below[2 * i]!, below[2 * i + 1]!]))));
  }
  return all;
}

/** Root of a positional tree. */
export const merkleRoot = (leaves: string[]): string => layers(leaves).at(-1)![0]!;

/** Siblings of leaf `index`, from the leaf up. */
export const merkleProof = (leaves: string[], index: number): string[] =>
  layers(leaves)
    .slice(0, -1)
    .map((layer, height) => layer[(index >> height) ^ 1]!);

/** Whether `siblings` lead from `leafHash` at `index` to `root`. */
export function merkleVerify(root: string, leafHash: string, index: number, siblings: string[]): boolean {
  if (index >= 2 ** siblings.length) return false;
  const node = siblings.reduce(
    (hash, sibling, height) => keccak256(concat((index >> height) & 1 ? [sibling, hash] : [hash, sibling])),
    leafHash,
  );
  return node === root;
}

const sortedPair = (a: string, b: string): string =>
  keccak256(concat(a.toLowerCase() < b.toLowerCase() ? [a, b] : [b, a]));

/** Layers of a claims tree: sorted pairs as OpenZeppelin's MerkleProof takes them; an odd node moves up unchanged. */
function claimLayers(leaves: string[]): string[][] {
  const all = [leaves];
  while (all.at(-1)!.length > 1) {
    const below = all.at(-1)!;
    const above: string[] = [];
    for (let i = 0; i < below.length; i += 2)
      above.push(i + 1 < below.length ? sortedPair(below[i]!, below[i + 1]!) : below[i]!);
    all.push(above);
  }
  return all;
}

/** What contributor `c` has earned in all under one commitment. */
export const claimLeaf = (commitmentId: string, c: number, cumulative: bigint): string =>
  keccak256(keccak(["bytes32", "bytes32", "uint256", "uint256"], [tag("Claim"), commitmentId, c, cumulative]));

/** Root of the claims tree over the cumulative earnings of contributors 0 … K−1. */
export const claimRoot = (commitmentId: string, cumulative: bigint[]): string =>
  claimLayers(cumulative.map((amount, c) => claimLeaf(commitmentId, c, amount))).at(-1)![0]!;

/** Proof for contributor `c`, as OpenZeppelin's MerkleProof takes it. */
export function claimProof(commitmentId: string, cumulative: bigint[], c: number): string[] {
  const all = claimLayers(cumulative.map((amount, i) => claimLeaf(commitmentId, i, amount)));
  const proof: string[] = [];
  let index = c;
  for (const layer of all.slice(0, -1)) {
    const sibling = layer[index ^ 1];
    if (sibling !== undefined) proof.push(sibling);
    index >>= 1;
  }
  return proof;
}
