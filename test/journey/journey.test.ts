import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import type { Browser, Page } from "playwright-core";
import { StudioProcess } from "../studio/studio.ts";
import { startChromium } from "./chromium.ts";

const ROOT = new URL("../..", import.meta.url).pathname;
/** `SCREENSHOTS=1` takes the pictures of docs/screenshots anew. */
const PICTURES = process.env.SCREENSHOTS ? join(ROOT, "docs", "screenshots") : undefined;
const WIDTH = 1280;
const LONG = 240_000; // ms: training, starting a server, settling

const DATA = [
  {
    account: "Contributor 1",
    files: ["Base64", "LibBitmap", "LibMap", "SSTORE2", "MerkleTreeLib"],
    of: "solady/src/utils",
  },
  { account: "Contributor 2", files: ["ud60x18/Math", "Common"], of: "@prb/math/src" },
];

/** The whole of OpenLedger as people use it: in a browser, against real processes. Each step stands on those before. */
describe("the Studio in a browser, from a contribution to its pay", function () {
  this.timeout(2 * LONG);
  this.bail(true);
  const data = mkdtempSync(join(tmpdir(), "openledger-journey-"));
  let studio: StudioProcess;
  let browser: Browser | undefined;
  let page: Page;
  const failures: string[] = [];

  before(async function () {
    browser = await startChromium();
    if (browser === undefined) {
      console.log(
        "      SKIPPED: no Chromium. Install one, or run `npm ci --prefix tools/chromium`, to run the journey in a browser.",
      );
      this.skip();
    }
    studio = await StudioProcess.start(data);
    // Some machines' own locale is one that browsers' Intl does not know.
    const context = await browser.newContext({ viewport: { width: WIDTH, height: 900 }, locale: "en-US" });
    page = await context.newPage();
    page.setDefaultTimeout(20_000);
    page.on("pageerror", (error) => failures.push(error.message));
  });

  after(async () => {
    await browser?.close();
    await studio?.end("SIGTERM");
    rmSync(data, { recursive: true, force: true });
  });

  afterEach(async function () {
    if (this.currentTest?.state !== "failed") return;
    const path = join(ROOT, "build", "journey-failure.png");
    await page.screenshot({ path, fullPage: true });
    console.log(`      The page as it was: ${path}`);
  });

  const open = (path: string) => page.goto(`${studio.url}${path}`);
  const as = (name: string) =>
    page
      .getByRole("combobox", { name: "Account" })
      .selectOption(studio.stack.accounts.find((one) => one.name === name)!.address);
  const fill = (name: string, text: string) => page.getByRole("textbox", { name, exact: true }).fill(text);
  const press = (name: string | RegExp) => page.getByRole("button", { name, exact: true }).first().click();
  const sees = (text: string | RegExp, timeout = 20_000) => page.getByText(text).first().waitFor({ timeout });
  const picture = async (name: string) => {
    if (PICTURES === undefined) return;
    mkdirSync(PICTURES, { recursive: true });
    await page.waitForTimeout(4000); // until the page has read the chain again
    await page.evaluate("scrollTo(0, 0)");
    await page.screenshot({ path: join(PICTURES, `${name}.png`), fullPage: true });
  };

  it("says what to do where there is nothing yet", async () => {
    await open("/");
    await picture("start-empty");
    await open("/factory");
    await sees("No Datanet has a frozen version yet");
    await open("/playground");
    await sees("No model is deployed yet");
    await open("/explorer");
    await sees("There is no model yet");
    await open("/datanets");
    await sees("There is no Datanet yet");
  });

  it("lets an owner create a Datanet whose reviewer is somebody else", async () => {
    await as("Datanet owner");
    await press("New Datanet");
    await fill("Name", "Solidity");
    await fill("Description", "Solidity libraries under the MIT licence, for models that help to write contracts.");
    await fill("Reviewer", studio.stack.accounts.find(({ name }) => name === "Reviewer")!.address);
    await press("Create Datanet");
    await page.waitForURL(/datanets\/1$/);
    await sees("Nobody has contributed yet");
  });

  for (const [index, { account, files, of }] of DATA.entries())
    it(`lets ${account} look at the rows and send them`, async () => {
      await as(account);
      await page
        .getByLabel("Choose files")
        .setInputFiles(files.map((name) => join(ROOT, "node_modules", of, `${name}.sol`)));
      if (index === 0) await picture("contribute");
      await press(/^Send \d+ rows for review$/);
      await sees(`Contribution ${index + 1} was sent`);
    });

  it("lets the reviewer alone decide, on rows checked against the chain", async () => {
    await press("Review contribution 1");
    await sees(/Only Reviewer reviews contributions here/);
    await as("Reviewer");
    for (const id of [1, 2]) {
      if (id > 1) await press(`Review contribution ${id}`);
      await sees(/number and Merkle root are what the chain says/);
      await sees("The checks found what you should look at");
      await page.getByRole("columnheader", { name: "New" }).waitFor();
      await page
        .getByRole("cell", { name: /^100 %$/ })
        .first()
        .waitFor();
      if (id === 1) await picture("review");
      await press("Accept");
      await page.getByRole("button", { name: `Close contribution ${id}` }).click();
      await page.getByRole("button", { name: `Read contribution ${id}` }).waitFor();
    }
  });

  it("lets the owner freeze a version", async () => {
    await as("Datanet owner");
    await press("Freeze version 1");
    await sees("Nothing was accepted since the last version");
    await picture("datanet");
    await open("/datanets");
    await sees("Solidity");
    await picture("datanets");
  });

  it("trains an adapter in a job that a reload does not disturb", async () => {
    await as("Model builder");
    await open("/factory");
    await page
      .getByRole("button", { name: /Solidity/ })
      .first()
      .click();
    await page.getByRole("button", { name: /Quick/ }).first().click();
    await fill("Model name", "Solidity assistant");
    await picture("factory");
    await press("Train");
    await page.waitForURL(/factory\/.+/);
    await page.reload();
    await sees(/step \d+/i, LONG);
    await page.waitForTimeout(4000);
    await picture("training");
    await sees("Try it: base beside tuned", LONG);
  });

  it("answers beside its base", async () => {
    await fill("Prompt", "/// @dev Returns the base64 encoding of");
    await press("Ask both");
    await sees(/Tuned: Solidity assistant/);
    await page.waitForTimeout(3000);
    await picture("chat");
  });

  it("becomes its builder's token, commits to its rows' sketches, and is deployed", async () => {
    await press("Mint model");
    await press("Register sketches");
    await press("Open epoch");
    await press("Deploy");
    await page.getByText("openai").first().waitFor({ timeout: LONG });
    await picture("own");
    const steps = page.getByRole("listitem").filter({ hasText: "Done" });
    expect(await steps.count()).to.equal(4);
  });

  it("sells a customer an answer by voucher, with a receipt checked in the browser", async () => {
    await open("/playground");
    await as("Customer");
    await press("Get test money");
    await press("Deposit");
    await fill("Text to go on from", "/// @dev Returns the base64 encoding of");
    await picture("playground-ask");
    await press("Sign and send");
    await sees("Server's signature checked", LONG);
    await sees("Prompt and answer match");
    await picture("playground");
    expect(await page.getByRole("row", { name: /1 call in all/ }).count()).to.equal(1);
  });

  it("is settled under a proof by an operator that works alone", async () => {
    await open("/explorer/models/1");
    const settled = page.getByText(/settled/i).first();
    // Time runs by itself; the button only spares the waiting.
    for (let tries = 0; tries < 40 && !(await page.getByText(/equal to what the contract paid/).count()); tries++) {
      const skip = page.getByRole("button", { name: "Skip to the next deadline" });
      if (await skip.isEnabled()) await skip.click();
      await page.waitForTimeout(3000);
    }
    await settled.waitFor();
    await sees(/equal to what the contract paid/);
    await sees("What each row counts for");
    await sees(/count for nothing|Every row/);
    await picture("model");
  });

  it("shows each contributor what it earned, and pays it", async () => {
    await open("/explorer");
    for (const { account } of DATA) {
      await as(account);
      await sees("As a contributor, to claim");
      if (account === DATA[0]!.account) await picture("explorer");
      const address = studio.stack.accounts.find(({ name }) => name === account)!.address;
      const { token } = await studio.as(account);
      const before = await token.balanceOf(address);
      await press("Claim");
      await sees("Nothing to claim now.");
      expect((await token.balanceOf(address)) > before, `${account} was paid`).to.equal(true);
    }
    await open("/");
    await picture("start");
  });

  it("never failed inside a page", () => expect(failures).to.deep.equal([]));
});
