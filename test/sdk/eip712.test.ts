import { expect } from "chai";
import { hexlify, Wallet } from "ethers";
import {
  escrowDomain,
  type Receipt,
  receiptId,
  recordId,
  requestCommitment,
  responseCommitment,
  signReceipt,
  signSketchRecord,
  signVoucher,
  sketchCommitment,
  splitterDomain,
  type Voucher,
  verifyReceipt,
  verifySketchRecord,
  verifyVoucher,
} from "../../sdk/eip712.ts";
import { keccak } from "../../sdk/hash.ts";

const address = (digit: string) => `0x${digit.repeat(40)}`;
const hash = (digit: string) => `0x${digit.repeat(64)}`;
const customer = new Wallet(hash("1"));
const server = new Wallet(hash("2"));

const ESCROW = escrowDomain(31337n, address("a"));
const SPLITTER = splitterDomain(31337n, address("b"));
const VOUCHER: Voucher = {
  customer: customer.address,
  server: server.address,
  modelId: 1n,
  epochId: 2n,
  token: address("c"),
  cumulative: 3n,
  deadline: 4n,
};
const RECEIPT: Receipt = {
  customer: customer.address,
  server: server.address,
  modelId: 1n,
  epochId: 2n,
  nonce: 3n,
  request: hash("4"),
  response: hash("5"),
  inputTokens: 6n,
  outputTokens: 7n,
  fee: 8n,
};

/** Code of what a check throws. */
const code = (check: () => void) => {
  try {
    check();
    return "accepted";
  } catch (error) {
    return (error as { code: string }).code;
  }
};

describe("EIP-712 signatures", () => {
  it("are accepted from the customer or server named, in any case of letters", async () => {
    verifyVoucher(ESCROW, VOUCHER, await signVoucher(customer, ESCROW, VOUCHER));
    const lower = { ...RECEIPT, server: server.address.toLowerCase() };
    verifyReceipt(SPLITTER, lower, await signReceipt(server, SPLITTER, RECEIPT));
    const record = { receiptId: receiptId(SPLITTER, RECEIPT), sketch: hash("9") };
    verifySketchRecord(SPLITTER, record, await signSketchRecord(server, SPLITTER, record), server.address);
  });

  it("are refused with any field changed", async () => {
    const voucher = await signVoucher(customer, ESCROW, VOUCHER);
    for (const [field, value] of Object.entries(VOUCHER)) {
      const changed = { ...VOUCHER, [field]: typeof value === "bigint" ? value + 1n : address("d") };
      expect(
        code(() => verifyVoucher(ESCROW, changed, voucher)),
        field,
      ).to.equal("SIGNATURE_WRONG_SIGNER");
    }
    const receipt = await signReceipt(server, SPLITTER, RECEIPT);
    for (const [field, value] of Object.entries(RECEIPT)) {
      const other = typeof value === "bigint" ? value + 1n : value.length === 66 ? hash("f") : address("d");
      const changed = { ...RECEIPT, [field]: other };
      expect(
        code(() => verifyReceipt(SPLITTER, changed, receipt)),
        field,
      ).to.equal("SIGNATURE_WRONG_SIGNER");
      expect(receiptId(SPLITTER, changed), field).not.to.equal(receiptId(SPLITTER, RECEIPT));
    }
  });

  it("are refused for another chain, contract or role, and when malformed", async () => {
    const signature = await signVoucher(customer, ESCROW, VOUCHER);
    for (const domain of [escrowDomain(1n, address("a")), escrowDomain(31337n, address("e")), SPLITTER])
      expect(code(() => verifyVoucher(domain, VOUCHER, signature))).to.equal("SIGNATURE_WRONG_SIGNER");
    const record = { receiptId: hash("1"), sketch: hash("9") };
    const signed = await signSketchRecord(server, SPLITTER, record);
    expect(code(() => verifySketchRecord(SPLITTER, record, signed, customer.address))).to.equal(
      "SIGNATURE_WRONG_SIGNER",
    );
    for (const bad of ["0x", "0x12", `${signature}00`])
      expect(code(() => verifyVoucher(ESCROW, VOUCHER, bad))).to.equal("SIGNATURE_INVALID");
  });
});

describe("Commitments", () => {
  it("bind salt and content as docs/protocol.md says", () => {
    const salt = hash("7");
    const ids = [1, 50_000, 2];
    expect(requestCommitment(salt, ids)).to.equal(keccak(["bytes32", "uint256[]"], [salt, ids]));
    expect(responseCommitment(salt, [])).to.equal(keccak(["bytes32", "uint256[]"], [salt, []]));
    const sketch = Int8Array.of(-127, 0, 127);
    expect(sketchCommitment(salt, sketch)).to.equal(
      keccak(["bytes32", "bytes"], [salt, hexlify(Uint8Array.of(129, 0, 127))]),
    );
    expect(sketchCommitment(hash("8"), sketch)).not.to.equal(sketchCommitment(salt, sketch));
    expect(recordId(SPLITTER, { receiptId: salt, sketch: salt })).to.match(/^0x[0-9a-f]{64}$/);
  });
});
