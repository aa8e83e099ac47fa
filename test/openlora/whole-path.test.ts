import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect } from "chai";
import { wholePath } from "../../bench/whole-path.ts";

describe("A model of SmolLM2's shape in small", () => {
  let folder: string;
  let seen: Awaited<ReturnType<typeof wholePath>>;
  before(async () => {
    folder = mkdtempSync(path.join(tmpdir(), "openledger-path-"));
    seen = await wholePath(folder, "smollm2-small", 50);
  });
  after(() => rmSync(folder, { recursive: true }));

  it("learns in 50 steps of the ONNX engine", () => {
    expect(seen.losses).to.have.length(50);
    expect(seen.heldOutLoss.after).to.be.below(seen.heldOutLoss.before - 0.05);
  });

  it("has in llama.cpp the logits of the trainer: the exported base, the adapter over it, and both merged", () => {
    const { base, adapter, merged } = seen.differenceToLlamaCpp;
    for (const { logProbability } of [base, adapter, merged]) expect(logProbability).to.be.below(TOLERANCE);
    expect(seen.adapterChanges.logProbability).to.be.above(100 * TOLERANCE);
  });

  it("is served by the gateway's engine with the tokens that the trainer would choose", () => {
    expect(seen.served.tokens).to.be.above(0);
    expect(seen.served.furthestFromBest).to.be.below(TOLERANCE);
  });

  it("is not made again where it is there", async () => {
    const metrics = readFileSync(path.join(folder, "run/metrics.jsonl"), "utf8");
    const again = await wholePath(folder, "smollm2-small", 50);
    expect({ ...again, trainingSeconds: seen.trainingSeconds }, "but for the moment that it took").to.deep.equal(seen);
    expect(readFileSync(path.join(folder, "run/metrics.jsonl"), "utf8")).to.equal(metrics);
  });
});

/** Of log-probabilities; llama.cpp keeps keys and values in 16 bits. */
const TOLERANCE = 5e-3;
