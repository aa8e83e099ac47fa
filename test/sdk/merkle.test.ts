import { expect } from "chai";
import { keccak256, toUtf8Bytes } from "ethers";
import { claimLeaf, claimProof, claimRoot, leaf, merkleProof, merkleRoot, merkleVerify } from "../../sdk/merkle.ts";

const leavesOf = (count: number) =>
  Array.from({ length: count }, (_, i) => leaf("Row", i, ["bytes32"], [keccak256(toUtf8Bytes(`${i}`))]));

describe("positional Merkle trees", () => {
  it("prove every leaf at its own position, and at no other", () => {
    for (const count of [1, 2, 3, 7, 8, 9, 33]) {
      const leaves = leavesOf(count);
      const root = merkleRoot(leaves);
      for (const [i, hash] of leaves.entries()) {
        const proof = merkleProof(leaves, i);
        expect(merkleVerify(root, hash, i, proof)).to.equal(true);
        for (let j = 0; j < 2 ** proof.length; j++)
          if (j !== i) expect(merkleVerify(root, hash, j, proof)).to.equal(false);
        expect(merkleVerify(root, hash, i + 2 ** proof.length, proof)).to.equal(false);
      }
    }
  });

  it("tell leaves of different kinds apart", () => {
    expect(leaf("Row", 0, ["bytes32"], [keccak256("0x")])).to.not.equal(
      leaf("SketchRow", 0, ["bytes32"], [keccak256("0x")]),
    );
  });
});

describe("claims trees", () => {
  const id = keccak256("0x01");

  it("prove each contributor's cumulative amount, and no other amount or place", () => {
    for (const count of [1, 2, 3, 5, 8, 13]) {
      const amounts = Array.from({ length: count }, (_, c) => BigInt(c) ** 3n + 7n);
      const root = claimRoot(id, amounts);
      for (let c = 0; c < count; c++) {
        const climb = (hash: string) =>
          claimProof(id, amounts, c).reduce(
            (node, sibling) =>
              keccak256(
                `0x${[node, sibling]
                  .sort()
                  .map((h) => h.slice(2))
                  .join("")}`,
              ),
            hash,
          );
        expect(climb(claimLeaf(id, c, amounts[c]!))).to.equal(root);
        expect(climb(claimLeaf(id, c, amounts[c]! + 1n))).to.not.equal(root);
        expect(climb(claimLeaf(id, c + 1, amounts[c]!))).to.not.equal(root);
        expect(climb(claimLeaf(keccak256("0x02"), c, amounts[c]!))).to.not.equal(root);
      }
    }
  });
});
