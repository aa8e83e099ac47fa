import { BrowserProvider, getAddress, type JsonRpcSigner } from "ethers";
import { HardhatPluginError } from "hardhat/plugins";
import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";
import type { NetworkConnection } from "hardhat/types/network";
import { OpenLedgerError } from "../sdk/errors.ts";
import { inWords } from "./errors.ts";

/** What every task takes. */
export type Options = { json: boolean; account: number; addresses: string | undefined };

/** What every task works with. */
export type Context = {
  hre: HardhatRuntimeEnvironment;
  connection: NetworkConnection;
  provider: BrowserProvider;
  chainId: number;
  /** Addresses of the accounts that the network signs for. */
  accounts: string[];
  /** The account that `--account` names. */
  signer(): Promise<JsonRpcSigner>;
};

/** What a task found or did: `message` is a line, a list of objects a table, anything else a row of a table. */
export type Result = { message?: string } & Record<string, unknown>;

/** Makes a Hardhat action of a task's work: connects, prints its result, and puts errors in plain words. */
export const action =
  <Args extends Options>(work: (args: Args, context: Context) => Promise<Result>) =>
  async (args: Args, hre: HardhatRuntimeEnvironment): Promise<Result> => {
    const connection = await hre.network.getOrCreate();
    // Asked before ethers comes in: Hardhat says in plain words that nobody listens.
    const chainId = Number(await connection.provider.request({ method: "eth_chainId" }));
    const accounts = ((await connection.provider.request({ method: "eth_accounts" })) as string[]).map(getAddress);
    const provider = new BrowserProvider(connection.provider, chainId, {
      staticNetwork: true,
      cacheTimeout: -1,
      pollingInterval: 100,
    });
    const signer = () => {
      if (accounts[args.account] === undefined)
        throw new OpenLedgerError(
          "ACCOUNT_UNKNOWN",
          `account: network ${connection.networkName} has no account ${args.account}, only 0 to ${accounts.length - 1}. The task \`accounts\` lists them.`,
        );
      return provider.getSigner(args.account);
    };
    try {
      const result = await work(args, { hre, connection, provider, chainId, accounts, signer });
      print(result, args.json);
      return result;
    } catch (error) {
      const words = inWords(error);
      throw words === undefined ? error : new HardhatPluginError("openledger", words, error as Error);
    } finally {
      provider.destroy();
    }
  };

const plain = (_: string, value: unknown) => (typeof value === "bigint" ? String(value) : value);
const isTable = (value: unknown): value is object[] => Array.isArray(value) && typeof value[0] === "object";

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
    );
  if (rows.length > 0)
    console.table(
      Object.fromEntries(
        rows.map(([key, value]) => [key, { value: typeof value === "string" ? value : JSON.stringify(value) }]),
      ),
    );
  for (const [title, table] of Object.entries(rest).filter(([, value]) => isTable(value))) {
    console.log(`\n── ${title}`);
    console.table(table);
  }
  if (message) console.log(message);
}
