import { expect } from "chai";
import {
  abiEncode,
  digest,
  domainNames,
  hashText,
  hex,
  keccak,
  keccak256,
  saltedSketch,
  saltedTokens,
  salts,
  tag,
  types,
  words,
} from "./encoding.ts";
import { positionalProof, positionalRoot, rootOfProof, rootOfSortedProof, sortedProof, sortedRoot } from "./merkle.ts";
import { gRoot } from "./registration.ts";
import { cutRows, jsonLines, rowHash, rowLeaves, rowRoot } from "./rows.ts";
import { runningLengths, runningSums, sumLeaves } from "./sums.ts";
import { type RowVectors, readVectors, type SignatureVectors } from "./vectors.ts";

describe("reference: encodings", () => {
  it("hashes as Ethereum does", () => {
    expect(keccak256("0x")).to.equal("0xc5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470");
    expect(hashText("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)")).to.equal(
      "0x8b73c3c69bb8fe3d512ecc4cf759cc79239f7b179b0ffacaa9a75d522b39400f",
    );
  });

  it("lays out dynamic arguments behind offsets, as in the ABI specification's example", () => {
    const encoded = hex(abiEncode({ bytes: "0x64617665" }, 1, { array: [1, 2, 3] })).slice(2);
    expect(encoded.match(/.{64}/g)!.map((w) => w.replace(/^0+(?=.)/, ""))).to.deep.equal([
      "60",
      "1",
      "a0",
      "4",
      `64617665${"0".repeat(56)}`,
      "3",
      "1",
      "2",
      "3",
    ]);
  });

  it("hashes words like the ABI where every argument is static, negative integers in two's complement", () => {
    expect(keccak(1, -1n, tag("Row"))).to.equal(words(1, (1n << 256n) - 1n, tag("Row")));
    expect(() => words(1n << 256n)).to.throw("does not fit");
  });

  // The values of the next two tests were computed once by ethers' TypedDataEncoder and AbiCoder.
  it("gives the EIP-712 digests that wallets sign", () => {
    const contract = `0x${"c0".repeat(20)}`;
    const counted = (type: keyof typeof types) =>
      Object.fromEntries([...types[type].matchAll(/ (\w+)[,)]/g)].map(([, name], i) => [name, i + 1]));
    const own = (type: keyof typeof types) => digest(type, 31337, contract, counted(type));
    expect(own("Voucher")).to.equal("0x6f2d38f971beb19557a2d3bdf4f93465665f4ac8ae641aa4662d4f562c1cfdb5");
    expect(own("Receipt")).to.equal("0x64ae8ae071b546b84b39b882dcb6cdac7d8afe29d821abab457b120a06b93040");
    expect(own("SketchRecord")).to.equal("0x27bf46a03a84d201624f775cfd05d78a0a87dbdf334ddf1a68fd3c48ff765bf5");
  });

  it("commits to tokens and sketches under a salt", () => {
    const salt = `0x${"05".repeat(32)}`;
    expect(saltedTokens(salt, [1, 2, 50000])).to.equal(
      "0x15833599a9b646ac00937ea1f729de993c2bc6a66de70dc7f7c1d67b3de905ae",
    );
    expect(saltedSketch(salt, "0x7f80ff")).to.equal(
      "0x33e4499e3334ca5f4be0dbbdbd26a089afc2deec21366733481bd016686cedf4",
    );
  });

  it("agrees with the shared vectors on salts, commitments and every digest", () => {
    const { escrow, splitter, voucher, call, receipt, sketchRecord, recordId } =
      readVectors<SignatureVectors>("eip712");
    expect([escrow.name, splitter.name]).to.deep.equal([domainNames.Voucher, domainNames.Receipt]);
    expect([escrow.version, splitter.version]).to.deep.equal(["1", "1"]);
    const { request, response, sketch } = call.salts;
    expect(salts(call.secret)).to.deep.equal([request, response, sketch]);
    expect(saltedTokens(request, call.promptIds)).to.equal(receipt.request);
    expect(saltedTokens(response, call.completionIds)).to.equal(receipt.response);
    expect(saltedSketch(sketch, call.sketch)).to.equal(sketchRecord.sketch);

    expect(digest("Voucher", escrow.chainId, escrow.verifyingContract, voucher)).to.equal(voucher.digest);
    const { chainId, verifyingContract } = splitter;
    expect(digest("Receipt", chainId, verifyingContract, receipt)).to.equal(sketchRecord.receiptId);
    expect(digest("SketchRecord", chainId, verifyingContract, { ...sketchRecord })).to.equal(recordId);
  });

  it("binds every member of a signed message, the chain and the contract", () => {
    const message: Record<string, bigint> = {};
    for (const [, name] of types.Receipt.matchAll(/ (\w+)[,)]/g)) message[name!] = 5n;
    const digests = new Set([digest("Receipt", 1, 2, message), digest("Receipt", 3, 2, message)]);
    digests.add(digest("Receipt", 1, 3, message));
    for (const name of Object.keys(message)) digests.add(digest("Receipt", 1, 2, { ...message, [name]: 6n }));
    expect(digests.size).to.equal(3 + 10);
  });
});

describe("reference: trees", () => {
  const leaves = Array.from({ length: 11 }, (_, i) => words(i));

  it("proves every leaf of a positional tree at its own index only", () => {
    for (let n = 1; n <= leaves.length; n++) {
      const some = leaves.slice(0, n);
      some.forEach((leafHash, i) => {
        const proof = positionalProof(some, i);
        expect(rootOfProof(leafHash, i, proof)).to.equal(positionalRoot(some));
        if (n > 1) expect(rootOfProof(leafHash, i ^ 1, proof)).not.to.equal(positionalRoot(some));
      });
    }
  });

  it("proves every claim, also where an odd node moves up", () => {
    for (let n = 1; n <= leaves.length; n++) {
      const some = leaves.slice(0, n);
      some.forEach((leafHash, i) => {
        expect(rootOfSortedProof(leafHash, sortedProof(some, i))).to.equal(sortedRoot(some));
      });
    }
  });
});

describe("reference: rows", () => {
  const cut = (text: string) => cutRows(Uint8Array.from(Buffer.from(text)));

  it("gathers whole lines up to 512 bytes and no further", () => {
    const line = `${"x".repeat(255)}\n`;
    expect(cut(line.repeat(3))).to.deep.equal([line.repeat(2), line]);
  });

  it("cuts a line that is too long between characters and loses nothing", () => {
    const line = "∑".repeat(400);
    const rows = cut(line);
    expect(rows.join("")).to.equal(line);
    expect(rows.map((row) => Buffer.byteLength(row))).to.deep.equal([510, 510, 180]);
  });

  it("reads CRLF as LF, drops rows of white space and refuses what is not UTF-8", () => {
    expect(cut("a\r\nb")).to.deep.equal(["a\nb"]);
    expect(cut(" \n\t\n")).to.deep.equal([]);
    expect(() => cutRows("0xff")).to.throw();
  });

  it("agrees with the shared vectors", () => {
    const vectors = readVectors<RowVectors>("rows");
    const texts = vectors.rows.map(({ text }) => text);
    expect(texts.map(rowHash)).to.deep.equal(vectors.hashes);
    expect(rowLeaves(texts)).to.deep.equal(vectors.leaves);
    expect(rowRoot(texts)).to.equal(vectors.root);
    expect(texts.map((_, i) => positionalProof(vectors.leaves, i))).to.deep.equal(vectors.proofs);
    expect(hex(Uint8Array.from(Buffer.from(jsonLines(vectors.rows))))).to.equal(vectors.file);

    const { k, rows, bytes, root, rd, sums, sumRoot } = vectors.sketches;
    const sketches = Array.from({ length: rows }, (_, i) => `0x${bytes.slice(2 + 2 * k * i, 2 + 2 * k * (i + 1))}`);
    expect(gRoot(sketches)).to.equal(root);
    expect(runningSums(rd, sketches).map(String)).to.deep.equal(sums.map(({ sum }) => sum));
    const lengths = runningLengths(sketches);
    expect(lengths.map(String)).to.deep.equal(sums.map(({ length }) => length));
    expect(positionalRoot(sumLeaves(runningSums(rd, sketches), lengths))).to.equal(sumRoot);
  });
});
