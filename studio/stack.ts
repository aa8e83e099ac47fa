import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { INSTANCES } from "../circuits/instances.ts";
import { devKey, devSrs } from "../circuits/setup/dev.ts";
import { verifyingKey } from "../circuits/setup/zkey.ts";
import { type LocalChain, startLocalChain } from "../deploy/local.ts";
import { ContentStore } from "../sdk/content-store.ts";
import { type Protocol, protocol } from "../sdk/contracts.ts";

export const CHAIN_ID = 31337;

/** Accounts whose keys the stack's own processes use. */
export const SERVER = 7;
export const OPERATOR = 8;
const TREASURY = 10;

/** Ready-made accounts offered to people, by index. */
const PEOPLE: [number, string][] = [
  [0, "Datanet owner"],
  ...[1, 2, 3, 4].map((n): [number, string] => [n, `Contributor ${n}`]),
  [5, "Reviewer"],
  [6, "Model builder"],
  [9, "Customer"],
];

/** Short enough that a visitor sees an epoch settle. */
const TIMING = { epochLength: 120, redeemWindow: 10, challengeWindow: 10 };
const BLOCK_SECONDS = 1;
/** Where injected wallets look for a local chain. */
const CHAIN_PORT = 8545;

export type Person = { index: number; name: string; address: string };

/** What every part of the Studio stands on: a fresh local chain with the protocol on it, and the content store. */
export type Stack = {
  chain: LocalChain;
  /** The protocol, to read. */
  contracts: Protocol;
  content: ContentStore;
  contentFolder: string;
  people: Person[];
  token: { address: string; symbol: string; decimals: number };
  /** Tells this chain from those of earlier starts. */
  genesis: string;
  /** For what belongs to this chain, and is gone with it. */
  folder: string;
  /** JSON file with the contracts' addresses. */
  addressesFile: string;
  close(): Promise<void>;
};

/**
 * Starts the chain.
 * @param data Folder that outlives it, with the content store.
 * @param say Told what takes long.
 */
export async function startStack(data: string, say: (line: string) => void): Promise<Stack> {
  say("Development keys (half a minute at the first start) …");
  const instance = INSTANCES.r1260;
  const key = await verifyingKey(await devKey(instance));
  await devSrs(instance.rows);
  say("Contracts on a local chain …");
  const options = { port: CHAIN_PORT, timing: TIMING, blockSeconds: BLOCK_SECONDS };
  const chain = await startLocalChain(OPERATOR, TREASURY, key, options);
  const folder = mkdtempSync(join(tmpdir(), "openledger-studio-"));
  const addressesFile = join(folder, "addresses.json");
  writeFileSync(addressesFile, JSON.stringify(chain.addresses));
  const contentFolder = join(data, "content");
  return {
    chain,
    contracts: protocol(chain.addresses, chain.provider),
    content: new ContentStore(contentFolder),
    contentFolder,
    people: await Promise.all(
      PEOPLE.map(async ([index, name]) => ({ index, name, address: await chain.account(index).getAddress() })),
    ),
    token: {
      address: await chain.token.getAddress(),
      symbol: await chain.token.symbol(),
      decimals: Number(await chain.token.decimals()),
    },
    genesis: (await chain.provider.getBlock(0))!.hash!,
    folder,
    addressesFile,
    async close() {
      await chain.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
