import { expect } from "chai";
import { selectBackend } from "../../trainer/backends.ts";
import { Pool } from "../../trainer/pool.ts";
import { failure, tinyBase } from "./tiny.ts";

describe("pool of threads", function () {
  this.timeout(60_000);
  const base = tinyBase();
  const a = { data: Float32Array.of(1, 2, 3, 4), shape: [2, 2] as [number, number] };
  const product = (rows = a) => ({ a, b: rows, transposeA: false, transposeB: true });

  it("answers all tasks with fewer threads than tasks, says its backend, and goes on after a failed task", async () => {
    const pool = await Pool.start(base, { threads: 1, backend: "cpu" });
    try {
      expect(pool.backend.name).to.equal("cpu");
      const wrong = pool.run("product", product({ data: Float32Array.of(1), shape: [1, 1] }));
      const right = pool.run("product", product());
      expect(
        await wrong.then(
          () => "answered",
          () => "failed",
        ),
      ).to.equal("failed");
      expect([...(await right)]).to.deep.equal([5, 11, 11, 25]);
    } finally {
      await pool.close();
    }
    expect(
      await pool.run("product", product()).then(
        () => "answered",
        () => "failed",
      ),
      "closed",
    ).to.equal("failed");
  });

  it("refuses no threads, and a backend that does not start here", async () => {
    expect((await failure(() => Pool.start(base, { threads: 0 }))).code).to.equal("TRAINER_POOL");
    expect((await failure(() => Pool.start(base, { threads: 1, backend: "tfjs-node-gpu" }))).code).to.equal(
      "TRAINER_POOL",
    );
    expect((await failure(() => selectBackend("tfjs-node-gpu"))).code).to.equal("TRAINER_BACKEND");
  });
});
