import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { ContentStore } from "../../sdk/content-store.ts";
import { contribute, fetchContribution, fetchVersion } from "../../sdk/datanets.ts";
import { readRows } from "../../sdk/files.ts";
import { encodeContribution, rowRoot } from "../../sdk/rows.ts";
import { admin, contributors, deployed, networkHelpers, owner, reviewer, type World } from "../support/world.ts";

const failure = (work: Promise<unknown>): Promise<Error | undefined> =>
  work.then(
    () => undefined,
    (error) => error,
  );

describe("contributing a folder of files", () => {
  let world: World;
  let folder: string;
  let store: ContentStore;
  const write = (name: string, content: string | Uint8Array) => writeFileSync(join(folder, "src", name), content);
  const read = () => readRows(join(folder, "src"), ".sol", "pkg", 0.5);
  const registry = () => world.datanets.connect(contributors[0]!);
  const submitted = async () =>
    (await world.datanets.queryFilter(world.datanets.filters.ContributionSubmitted())).length;

  beforeEach(async () => {
    world = await networkHelpers.loadFixture(deployed);
    await world.datanets.connect(owner).create(reviewer, "Solidity", "MIT", "");
    folder = mkdtempSync(join(tmpdir(), "openledger-contribute-"));
    mkdirSync(join(folder, "src"));
    store = new ContentStore(join(folder, "content"));
    write("a.sol", "contract A {}\n");
    write("b.sol", `${"x".repeat(700)}\n`);
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it("brings back from the chain and the store what went in, and tells of lines it had to cut", async () => {
    const { train, heldOut, longLines } = await read();
    expect([...train, ...heldOut].map(({ path }) => path).sort()).to.deep.equal([
      "pkg/a.sol",
      "pkg/b.sol",
      "pkg/b.sol",
    ]);
    expect(longLines).to.deep.equal(["pkg/b.sol"]);
    const { contributionId } = await contribute(registry(), store, 1n, train);
    expect(await fetchContribution(world.datanets, store, contributionId)).to.deep.equal(train);
    await world.datanets.connect(reviewer).review([contributionId], true, "");
    await world.datanets.connect(owner).freeze(1n);
    expect(await fetchVersion(world.datanets.connect(admin), store, 1n, 1n)).to.deep.equal({
      rows: train,
      counts: [train.length],
      contributionIds: [contributionId],
    });
  });

  for (const [what, content, error] of [
    ["that is not UTF-8", new Uint8Array([0xc3, 0x28]), /pkg\/c\.sol is not valid UTF-8/],
    ["that is empty", "", /pkg\/c\.sol holds no text/],
  ] as const)
    it(`refuses a file ${what}, names it, and registers nothing`, async () => {
      write("c.sol", content);
      const work = read().then(({ train }) => contribute(registry(), store, 1n, train));
      expect((await failure(work))?.message).to.match(error);
      expect(await submitted()).to.equal(0);
    });

  it("refuses a folder without such files", async () => {
    expect((await failure(readRows(folder, ".vy", "pkg", 0.1)))?.message).to.match(/No \.vy file below .*FILES_NONE/);
  });

  it("lets a reviewer find a contribution that says other rows than its content has", async () => {
    const rows = [{ path: "a", text: "one\n" }];
    const cid = await store.put(encodeContribution(rows));
    await registry().contribute(1n, cid, 2, rowRoot(rows));
    await registry().contribute(1n, cid, 1, rowRoot([{ path: "a", text: "two\n" }]));
    for (const id of [1n, 2n])
      expect((await failure(fetchContribution(world.datanets, store, id)))?.message).to.match(/CONTRIBUTION_MISMATCH/);
  });
});
