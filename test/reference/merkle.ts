import { bytes, concat, keccak, keccak256, type Num, tag } from "./encoding.ts";

const zero = `0x${"00".repeat(32)}`;
const join = (left: string, right: string): string => keccak256(concat(bytes(left), bytes(right)));

/** All layers of a positional tree, leaves first, padded with zeros to a power of two. */
function layers(leaves: string[]): string[][] {
  if (leaves.length === 0) throw new Error("a tree needs a leaf");
  let size = 1;
  while (size < leaves.length) size *= 2;
  const all = [[...leaves, ...new Array<string>(size - leaves.length).fill(zero)]];
  for (let layer = all[0]!; layer.length > 1; all.push(layer)) {
    layer = Array.from({ length: layer.length / 2 }, (_, i) => join(layer[2 * i]!, layer[2 * i + 1]!));
  }
  return all;
}

export const positionalRoot = (leaves: string[]): string => layers(leaves).at(-1)![0]!;

/** Siblings from the leaf up. */
export const positionalProof = (leaves: string[], index: number): string[] =>
  layers(leaves)
    .slice(0, -1)
    .map((layer, height) => layer[(index >> height) ^ 1]!);

export function rootOfProof(leafHash: string, index: number, proof: string[]): string {
  return proof.reduce(
    (node, sibling, height) => ((index >> height) & 1 ? join(sibling, node) : join(node, sibling)),
    leafHash,
  );
}

const joinSorted = (a: string, b: string): string => (BigInt(a) < BigInt(b) ? join(a, b) : join(b, a));

/** The claims' tree, as OpenZeppelin's `MerkleProof` checks it: sorted pairs, an odd node moves up unchanged. */
export function sortedRoot(leaves: string[]): string {
  if (leaves.length === 0) throw new Error("a tree needs a leaf");
  let layer = leaves;
  while (layer.length > 1) {
    layer = Array.from({ length: Math.ceil(layer.length / 2) }, (_, i) =>
      2 * i + 1 < layer.length ? joinSorted(layer[2 * i]!, layer[2 * i + 1]!) : layer[2 * i]!,
    );
  }
  return layer[0]!;
}

/** Where the node moved up alone the proof has no sibling. */
export function sortedProof(leaves: string[], index: number): string[] {
  const proof: string[] = [];
  let layer = leaves;
  for (let at = index; layer.length > 1; at >>= 1) {
    const sibling = layer[at ^ 1];
    if (sibling !== undefined) proof.push(sibling);
    layer = Array.from({ length: Math.ceil(layer.length / 2) }, (_, i) =>
      2 * i + 1 < layer.length ? joinSorted(layer[2 * i]!, layer[2 * i + 1]!) : layer[2 * i]!,
    );
  }
  return proof;
}

export const rootOfSortedProof = (leafHash: string, proof: string[]): string => proof.reduce(joinSorted, leafHash);

export const claimLeaf = (commitmentId: Num, contributor: Num, cumulative: Num): string =>
  keccak256(keccak(tag("Claim"), commitmentId, contributor, cumulative));
