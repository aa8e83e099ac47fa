import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import hre from "hardhat";
import { ethers, type World } from "./world.ts";

/** Indices of accounts of the world: owner, operator, server, nobody in particular, first contributor. */
export const [OWNER, OPERATOR, CUSTOMER, SERVER, STRANGER, FIRST_CONTRIBUTOR] = [3, 1, 5, 6, 7, 8];

/** Where the running test keeps its files. */
export let folder: string;

/** The running test's file of addresses. */
export let addresses: string;

/** What tasks printed in the running test. */
export let printed: string[];

/** Gives every test of a suite a folder of its own, and takes in what tasks print. */
export function useTasks(): void {
  const { log, table } = console;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "openledger-tasks-"));
    addresses = join(folder, "addresses.json");
    printed = [];
    console.log = (line: string) => printed.push(line);
    console.table = (rows: unknown) => printed.push(JSON.stringify(rows));
  });
  afterEach(() => {
    console.log = log;
    console.table = table;
    rmSync(folder, { recursive: true });
  });
}

/** Runs a task as the command line does, with its defaults; gives the JSON that it prints last. */
export async function run(id: string, args: Record<string, unknown> = {}) {
  await hre.tasks.getTask(id).run({ addresses, json: true, ...args });
  return JSON.parse(printed.at(-1)!);
}

/** Runs a task and checks that it sends nothing. */
export async function idle(id: string, args: Record<string, unknown> = {}) {
  const block = await ethers.provider.getBlockNumber();
  const result = await run(id, args);
  expect(await ethers.provider.getBlockNumber(), id).to.equal(block);
  return result;
}

/** The message of the error that a task ends with; fails if it sent a transaction. */
export const refused = (id: string, args: Record<string, unknown> = {}): Promise<string> =>
  idle(id, args).then(
    () => "no error",
    (error: Error) => error.message,
  );

/** Writes the file of addresses for contracts that a test deployed itself. */
export async function known<W extends World>(world: W): Promise<W> {
  const manager = await world.splitter.authority();
  const pauses = await world.splitter.pauses();
  const judge = await world.disputes.judge();
  const sketchDisputes = await world.attribution.DISPUTES();
  const made = { manager, pauses, judge, sketchDisputes, token: world.token.target };
  const file = { chainId: 31337, addresses: { ...world.addresses, ...made } };
  writeFileSync(addresses, JSON.stringify(file));
  return world;
}
