import { readFileSync } from "node:fs";
import { getAddress } from "ethers";
import { type Addresses, CONTRACT_NAMES } from "./contracts.ts";
import { OpenLedgerError } from "./errors.ts";

/**
 * The contracts' addresses from a file that the task `deploy` wrote, or one of its `addresses` alone.
 * @throws OpenLedgerError `DEPLOYMENT_INVALID`, naming what is wrong.
 */
export function readAddresses(path: string): Addresses {
  try {
    const file = JSON.parse(readFileSync(path, "utf8"));
    const found = file.addresses ?? file;
    return Object.fromEntries(CONTRACT_NAMES.map((name) => [name, getAddress(found[name])])) as Addresses;
  } catch (cause) {
    const names = CONTRACT_NAMES.join(", ");
    throw new OpenLedgerError(
      "DEPLOYMENT_INVALID",
      `addresses: ${path} does not give the addresses of ${names} (${(cause as Error).message}). Name the file that \`deploy\` wrote.`,
      { cause },
    );
  }
}

/**
 * The contracts' addresses on a chain, from where the task `deploy` writes them.
 * @throws OpenLedgerError `DEPLOYMENT_INVALID`
 */
export const addressesOf = (chainId: bigint, folder = "deployments"): Addresses =>
  readAddresses(`${folder}/${chainId}.json`);
