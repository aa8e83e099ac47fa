import { expect } from "chai";
import { OpenLedgerError } from "../../sdk/errors.ts";
import { samplePrompt, spread, titleOf } from "../../studio/web/src/make/samples.ts";
import { smoothed } from "../../studio/web/src/make/smooth.ts";
import { advice } from "../../studio/web/src/play/advice.ts";
import { percentOf, readSplit, shares, type TypedSplit } from "../../studio/web/src/split.ts";
import { eventData } from "../../studio/web/src/sse.ts";
import { duration, readAmount } from "../../studio/web/src/words.ts";

const TYPED: TypedSplit = { data: "50", owner: "15", server: "20", operator: "10", protocol: "5" };
const SPLIT = { data: 5000, owner: 1500, server: 2000, operator: 1000, protocol: 500 };

describe("the smoothed loss", () => {
  it("is the series itself where that is flat, from the first value on", () => {
    for (const value of smoothed([3, 3, 3, 3], 10)) expect(value.toFixed(9)).to.equal("3.000000000");
  });
  it("follows a step slowly, and never leaves the range of its values", () => {
    const line = smoothed([4, 4, 4, 2, 2, 2], 5);
    expect(line[3]).to.be.greaterThan(2).and.below(4);
    expect(line[5]).to.be.greaterThan(2).and.below(line[3]!);
  });
  it("of span 1 is the series", () => expect(smoothed([3, 1, 2], 1)).to.deep.equal([3, 1, 2]));
});

describe("a typed split", () => {
  it("that adds up to 100 % is taken in basis points", () => {
    expect(readSplit(TYPED)).to.deep.equal({ problems: {}, split: SPLIT, total: "100 %" });
    expect(readSplit({ ...TYPED, owner: "15.25", server: "19.75" }).split).to.include({ owner: 1525, server: 1975 });
  });
  it("that does not says how much is missing or too much", () => {
    expect(readSplit({ ...TYPED, owner: "14.5" }).problem).to.match(/0\.5 % missing/);
    expect(readSplit({ ...TYPED, owner: "20" }).problem).to.match(/5 % too much/);
  });
  it("may give the data at most half, as the contract says", () => {
    expect(readSplit({ ...TYPED, data: "50.01", owner: "14.99" }).problems.data).to.match(/At most 50 %/);
    expect(readSplit({ ...TYPED, data: "0", owner: "65" })).to.not.have.property("problem");
  });
  it("names the field that is no percentage", () => {
    for (const wrong of ["", "-1", "1.234", "ten", "101", "1e1"])
      expect(readSplit({ ...TYPED, server: wrong }).problems, wrong).to.have.all.keys("server");
  });
});

describe("the shares of a fee", () => {
  it("add up to the fee, rounding left to the operator as in the splitter", () => {
    const parts = shares(33n, SPLIT);
    expect(parts).to.deep.equal({ data: 16n, owner: 4n, server: 6n, operator: 6n, protocol: 1n });
    expect(Object.values(parts).reduce((sum, part) => sum + part)).to.equal(33n);
  });
  it("are shown as percentages without needless zeros", () =>
    expect([5000, 1525, 5].map(percentOf)).to.deep.equal(["50 %", "15.25 %", "0.05 %"]));
});

describe("server-sent events", () => {
  it("come whole, however the bytes are cut", async () => {
    const bytes = new TextEncoder().encode('data: {"text":"ä→"}\n\n: note\n\ndata: [DONE]\n\ndata: unfinished');
    for (const size of [1, 2, 7, bytes.length]) {
      const body = ReadableStream.from(
        Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) => bytes.slice(i * size, (i + 1) * size)),
      );
      const events: string[] = [];
      for await (const data of eventData(body as ReadableStream<Uint8Array>)) events.push(data);
      expect(events).to.deep.equal(['{"text":"ä→"}', "[DONE]"]);
    }
  });
});

describe("advice on a failed call", () => {
  const of = (code: string, words = "…") => advice(new OpenLedgerError(code, words));
  it("says whether a receipt is missing or wrong, and what to do about money and epochs", () => {
    expect(of("RECEIPT_MISSING")).to.match(/could/).and.not.equal(of("RECEIPT_MISMATCH"));
    expect(of("VOUCHER_DEPOSIT")).to.match(/Add to it/);
    expect(of("VOUCHER_EPOCH")).to.match(/Send again/);
    expect(of("ENGINE_BUSY")).to.match(/busy/);
  });
  it("tells a receipt that somebody else signed from a voucher that the server refused", () => {
    expect(of("SIGNATURE_WRONG_SIGNER", "The Receipt is signed by 0x1")).to.match(/Do not pay/);
    expect(of("SIGNATURE_WRONG_SIGNER", "The Voucher is signed by 0x1")).to.match(/Nothing was charged/);
    expect(of("RECEIPT_MISMATCH")).to.match(/Do not pay/);
  });
  it("is silent on what says itself what to do", () => {
    expect(of("REQUEST_PROMPT")).to.equal(undefined);
    expect(advice(new Error("x"))).to.equal(undefined);
  });
});

describe("words and samples", () => {
  it("tell a time in its two largest units", () =>
    expect([0, 59.4, 60, 75, 3600, 7380, -1].map(duration)).to.deep.equal([
      "0 s",
      "59 s",
      "1 min",
      "1 min 15 s",
      "1 h 0 min",
      "2 h 3 min",
      "0 s",
    ]));
  it("read an amount of whole tokens to the unit, and refuse what is none", () => {
    expect(["5", "0.000001", " 12.50 "].map((text) => readAmount(text, 6))).to.deep.equal([
      5_000_000n,
      1n,
      12_500_000n,
    ]);
    for (const wrong of ["", "-1", "1.0000001", "1e3", ".", "1."])
      expect(readAmount(wrong, 6), wrong).to.equal(undefined);
  });
  it("take the first half of a row as prompt", () => {
    expect(samplePrompt("a\nb\nc\nd\n")).to.equal("a\nb");
    expect(samplePrompt("one two three")).to.equal("one two");
    expect(samplePrompt("word")).to.equal("word");
  });
  it("name a sample by its first line that says something", () => {
    expect(titleOf("}\n  function transfer(address to) public {")).to.equal("function transfer(address to) pu");
    expect(titleOf("}\n")).to.equal("}");
  });
  it("spread over a list, short ones whole", () => {
    expect(spread([1, 2], 3)).to.deep.equal([1, 2]);
    expect(spread([1, 2, 3, 4, 5, 6], 3)).to.deep.equal([2, 4, 6]);
  });
});
