import { writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { readAddresses } from "../../sdk/deployment.ts";
import { OpenLedgerError } from "../../sdk/errors.ts";
import { parseConfig, TOKEN_ENV } from "./config.ts";
import { chainIdOf } from "./doctor.ts";

export type InitOptions = {
  rpc: string;
  /** The file of addresses that the task `deploy` wrote. */
  addresses: string;
  content: string;
  /** Of exported proving keys. */
  keys?: string;
  server: string[];
  /** All models that can be proven, unless some are named. */
  model?: string[];
  data: string;
  /** Of health and metrics. */
  port: string;
  /** Seconds between looks at the chain. */
  poll: string;
  keystore?: string;
};

/**
 * Writes a configuration.
 * @throws OpenLedgerError `OPERATOR_CONFIG_EXISTS`, `OPERATOR_CONFIG`, `OPERATOR_RPC`, `DEPLOYMENT_INVALID`
 */
export async function init(path: string, options: InitOptions): Promise<void> {
  const { rpc, addresses, content, keys, server, model, data, port, poll, keystore } = options;
  const config = {
    rpc,
    chainId: Number(await chainIdOf(rpc)),
    addresses: readAddresses(addresses),
    confirmations: 1,
    pollSeconds: Number(poll),
    openEpochs: true,
    dataDir: resolve(data),
    port: Number(port),
    ...(keystore && { keystore: resolve(keystore) }),
    content: resolve(content),
    ...(keys && { keys: resolve(keys) }),
    servers: server.map((url) => ({ url, tokenEnv: TOKEN_ENV })),
    ...(model && { models: model }),
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
