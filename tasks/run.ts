import { BrowserProvider, getAddress, isAddress } from "ethers";
import { HardhatPluginError } from "hardhat/plugins";
import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";
import type { NetworkConnection } from "hardhat/types/network";
import { type Content, contentId } from "../sdk/content.ts";
import { ContentStore } from "../sdk/content-store.ts";
import { OpenLedgerError } from "../sdk/errors.ts";
import { inWords } from "./errors.ts";
import { NotSent, Sender } from "./sender.ts";

/** What every task takes; the last three only those that send. */
export type Options = {
  json: boolean;
  account: number;
  addresses: string | undefined;
  dryRun?: boolean;
  propose?: string | undefined;
  from?: string | undefined;
};

/** What every task works with. */
export type Context = {
  hre: HardhatRuntimeEnvironment;
  connection: NetworkConnection;
  provider: BrowserProvider;
  chainId: number;
  /** Addresses of the accounts that the network signs for. */
  accounts: string[];
  /** The account that `--account` names, or whoever `--from` has a plan made for. */
  signer(): Promise<Sender>;
};

/**
 * What a task found or did: `message` is a line, a list of objects a table, anything else a row of a table. With a
 * `failure` it ends in that once the rest is printed.
 */
export type Result = { message?: string; failure?: unknown } & Record<string, unknown>;

/** Makes a Hardhat action of a task's work: connects, prints its result, and puts errors in plain words. */
export const action =
  <Args extends Options>(work: (args: Args, context: Context) => Promise<Result>) =>
  async (args: Args, hre: HardhatRuntimeEnvironment): Promise<Result> => {
    const plans = requirePlan(args);
    const connection = await hre.network.getOrCreate();
    // Asked before ethers comes in: Hardhat says in plain words that nobody listens.
    const chainId = Number(await connection.provider.request({ method: "eth_chainId" }));
    const accounts = ((await connection.provider.request({ method: "eth_accounts" })) as string[]).map(getAddress);
    const provider = new BrowserProvider(connection.provider, chainId, {
      staticNetwork: true,
      cacheTimeout: -1,
      pollingInterval: 100,
    });
    const signer = async () => {
      const address = args.from ? getAddress(args.from) : accounts[args.account];
      if (address === undefined)
        throw new OpenLedgerError(
          "ACCOUNT_UNKNOWN",
          `account: network ${connection.networkName} has no account ${args.account}, only 0 to ${accounts.length - 1}. The task \`accounts\` lists them.`,
        );
      const account = accounts.includes(address) ? await provider.getSigner(address) : undefined;
      return new Sender(provider, address, account, plans);
    };
    const context = { hre, connection, provider, chainId, accounts, signer };
    try {
      const result: Result = await work(args, context).catch(async (error: unknown) => {
        const unsent = notSent(error);
        if (unsent === undefined) throw error;
        const { plan } = await import("./plan.ts");
        return plan(unsent.calls, (await signer()).address, args, context);
      });
      const { failure, ...found } = result;
      print(found, args.json);
      if (failure !== undefined) throw failure;
      return found;
    } catch (error) {
      const words = inWords(error);
      throw words === undefined ? error : new HardhatPluginError("openledger", words, error as Error);
    } finally {
      provider.destroy();
    }
  };

/** The content store of a task, which a dry run does not write to. */
export function contentOf({ store, dryRun }: Options & { store: string }): Content {
  const content = new ContentStore(store);
  return dryRun ? { put: contentId, get: (id) => content.get(id) } : content;
}

/** What a task was about to send, where something between wrapped it in an error of its own. */
function notSent(error: unknown): NotSent | undefined {
  if (error instanceof NotSent) return error;
  return error instanceof Error && error.cause !== undefined ? notSent(error.cause) : undefined;
}

/** Whether the task is to plan and not to send. */
function requirePlan({ dryRun, propose, from }: Options): boolean {
  const fail = (message: string) => new HardhatPluginError("openledger", message);
  if (dryRun && propose) throw fail("propose: it makes a dry run itself. Leave one of --dry-run and --propose out.");
  if (from && !dryRun && !propose)
    throw fail("from: nobody can send as this account. Add --dry-run or --propose FILE.");
  if (from && !isAddress(from)) throw fail(`from: ${from} is no address. Give 0x and 40 digits.`);
  return Boolean(dryRun || propose);
}

const plain = (_: string, value: unknown) => (typeof value === "bigint" ? String(value) : value);
const isTable = (value: unknown): value is object[] => Array.isArray(value) && typeof value[0] === "object";

/** Longer values stand in lines of their own: they would make a table as wide. */
const LONGEST_CELL = 160;

const fits = (value: unknown): boolean => typeof value !== "object" && String(value).length <= LONGEST_CELL;

/** A value as one reads it: a list with commas, the rest as JSON has it. */
function words(value: unknown): string {
  if (typeof value === "string") return value;
  if (value === null) return "none";
  if (!Array.isArray(value) || value.some((one) => typeof one === "object")) return JSON.stringify(value);
  return value.length === 0 ? "none" : value.join(", ");
}

function printLines(row: object): void {
  for (const [key, value] of Object.entries(row)) console.log(`   ${key}: ${words(value)}`);
  console.log();
}

function print(result: Result, json: boolean): void {
  if (json) {
    console.log(JSON.stringify(result, plain));
    return;
  }
  // As in JSON, so that integers stand without their `n`.
  const { message, ...rest } = JSON.parse(JSON.stringify(result, plain)) as Result;
  const rows = Object.entries(rest)
    .filter(([, value]) => !isTable(value))
    .flatMap(([key, value]) =>
      typeof value === "object" && value !== null && !Array.isArray(value)
        ? Object.entries(value).map(([inner, one]) => [`${key}.${inner}`, one] as const)
        : [[key, value] as const],
    )
    .map(([key, value]) => [key, words(value)] as const);
  const short = rows.filter(([, value]) => fits(value));
  const long = rows.filter(([, value]) => !fits(value));
  if (short.length > 0) console.table(Object.fromEntries(short.map(([key, value]) => [key, { value }])));
  if (long.length > 0) printLines(Object.fromEntries(long));
  for (const [title, table] of Object.entries(rest).filter(([, value]) => isTable(value))) {
    console.log(`\n── ${title}`);
    const all = table as object[];
    const flat = all.filter((row) => Object.values(row).every(fits));
    if (flat.length > 0) console.table(flat);
    for (const row of all.filter((one) => !flat.includes(one))) printLines(row);
  }
  if (message) console.log(message);
}
