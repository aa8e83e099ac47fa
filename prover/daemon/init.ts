import { readFileSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { OpenLedgerError } from "../../sdk/errors.ts";
import { parseConfig, TOKEN_ENV } from "./config.ts";
import { chainIdOf } from "./doctor.ts";

/** Our name of each contract, and Ignition's in `deployed_addresses.json`. */
const IGNITION = {
  datanets: "OpenLedger#DatanetRegistry",
  models: "OpenLedger#ModelNFT",
  attribution: "OpenLedger#AttributionRegistry",
  verifier: "OpenLedger#AttributionVerifier",
  splitter: "OpenLedger#RewardSplitter",
  escrow: "OpenLedger#InferenceEscrow",
};

export type InitOptions = {
  rpc: string;
  /** Ignition's `deployed_addresses.json`. */
  deployment: string;
  model: string;
  sketches: string;
  server: string[];
  data: string;
  keystore?: string;
};

/**
 * Writes a configuration for one model; more are added by hand.
 * @throws OpenLedgerError `OPERATOR_CONFIG_EXISTS`, `OPERATOR_CONFIG`, `OPERATOR_RPC`
 */
export async function init(path: string, options: InitOptions): Promise<void> {
  const { rpc, deployment, model, sketches, server, data, keystore } = options;
  const deployed = JSON.parse(readFileSync(deployment, "utf8")) as Record<string, string>;
  const config = {
    rpc,
    chainId: Number(await chainIdOf(rpc)),
    addresses: Object.fromEntries(Object.entries(IGNITION).map(([name, key]) => [name, deployed[key]])),
    confirmations: 1,
    pollSeconds: 5,
    openEpochs: true,
    dataDir: resolve(data),
    port: 9464,
    ...(keystore && { keystore: resolve(keystore) }),
    models: [
      { modelId: model, sketches: resolve(sketches), servers: server.map((url) => ({ url, tokenEnv: TOKEN_ENV })) },
    ],
  };
  parseConfig(config, dirname(resolve(path)));
  try {
    writeFileSync(path, `${JSON.stringify(config, null, 2)}\n`, { flag: "wx" });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== "EEXIST") throw cause;
    throw new OpenLedgerError("OPERATOR_CONFIG_EXISTS", `${path} exists. Edit it, or name another with --config.`, {
      cause,
    });
  }
}
