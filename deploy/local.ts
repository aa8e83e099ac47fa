import { once } from "node:events";
import { rmSync } from "node:fs";
import { createServer } from "node:net";
import { HDNodeWallet, JsonRpcProvider, Mnemonic, NonceManager } from "ethers";
import hre from "hardhat";
import { type Addresses, CONTRACT_NAMES, type Protocol, protocol, type TestToken, token } from "../sdk/contracts.ts";
import type { G2 } from "../sdk/hash.ts";
import { emitted, mined } from "../sdk/transactions.ts";
import type { VerifyingKey } from "../sdk/transcript.ts";
import Local from "./modules/Local.ts";
import { LOCAL_PARAMETERS, readParameters, type Timing } from "./parameters.ts";

/** Hardhat's published development accounts: worthless anywhere else. */
const MNEMONIC = "test test test test test test test test test test test junk";

/** A running local chain with the protocol deployed on it. */
export type LocalChain = {
  url: string;
  provider: JsonRpcProvider;
  addresses: Addresses;
  /** Every contract's address, as the task `deploy` writes them into a file. */
  deployment: Record<string, string>;
  token: TestToken;
  vkId: string;
  /** Private key of ready-made account `index`, for processes of their own. */
  key(index: number): string;
  /** Ready-made account `index`; 0 deployed the protocol. */
  account(index: number): NonceManager;
  /** The protocol as account `index` uses it. */
  as(index: number): Protocol;
  /** Lets time pass. */
  wait(seconds: number): Promise<void>;
  close(): Promise<void>;
};

export type LocalOptions = {
  /** Where wallets look for a local chain, say; another where that is taken. Any free one by default. */
  port?: number;
  /** Seconds, in place of those of parameters/local.json5. */
  timing?: Partial<Timing>;
  /** Mines a block each so many seconds, so that time flows while nobody sends. */
  blockSeconds?: number;
  /** As a public chain would be: another id than 31337, and powers of tau whose secret nobody knows. */
  production?: { chainId: number; tauG2: G2 };
};

/** Compiles what is not compiled yet, starts a Hardhat node on loopback, deploys the protocol with short windows, and registers a development key. */
export async function startLocalChain(
  operator: number,
  treasury: number,
  key: VerifyingKey,
  { port: wanted = 0, timing, blockSeconds, production }: LocalOptions = {},
): Promise<LocalChain> {
  await hre.tasks.getTask("build").run({ quiet: true });
  const chainId = production?.chainId ?? 31337;
  const server = await hre.network.createServer(
    { network: "default", override: { chainId } },
    "127.0.0.1",
    await freeOrAny(wanted),
  );
  const { address, port } = await server.listen();
  const url = `http://${address}:${port}`;
  const provider = new JsonRpcProvider(url, chainId, { staticNetwork: true, cacheTimeout: -1, pollingInterval: 50 });
  const seed = Mnemonic.fromPhrase(MNEMONIC);
  const accounts = new Map<number, NonceManager>();
  const wallet = (index: number) => HDNodeWallet.fromMnemonic(seed, `m/44'/60'/0'/0/${index}`);
  const account = (index: number) => {
    const known = accounts.get(index);
    if (known) return known;
    accounts.set(index, new NonceManager(wallet(index).connect(provider)));
    return account(index);
  };

  const connection = await hre.network.create({ network: "local", override: { url } });
  const { OpenLedger: local } = readParameters(LOCAL_PARAMETERS);
  const parameters = {
    OpenLedger: {
      ...local,
      timing: { ...local.timing, ...timing },
      operator: await account(operator).getAddress(),
      treasury: await account(treasury).getAddress(),
      ...(production && { tauG2: production.tauG2 }),
    },
  };
  // Ignition keeps a journal of every deployment, to resume it; this chain is gone when the process ends.
  const deploymentId = `local-${port}-${Date.now()}`;
  const deployed = await connection.ignition.deploy(Local, { parameters, deploymentId });
  rmSync(new URL(`deployments/${deploymentId}`, import.meta.url), { recursive: true });
  const named = Object.entries(deployed).map(async ([name, contract]) => [name, await contract.getAddress()] as const);
  const deployment: Record<string, string> = Object.fromEntries(await Promise.all(named));
  const addresses = Object.fromEntries(CONTRACT_NAMES.map((name) => [name, deployment[name]!])) as Addresses;
  account(0).reset();
  const { verifier } = protocol(addresses, account(0));
  const receipt = await mined(verifier.registerKey(key));
  const vkId = emitted(verifier, "VerifyingKeyRegistered", receipt).vkId as string;
  if (blockSeconds) await provider.send("evm_setIntervalMining", [1000 * blockSeconds]);

  return {
    url,
    provider,
    addresses,
    deployment,
    token: token(deployment.token!, account(0)),
    vkId,
    key: (index) => wallet(index).privateKey,
    account,
    as: (index) => protocol(addresses, account(index)),
    async wait(seconds) {
      await provider.send("evm_increaseTime", [seconds]);
      await provider.send("evm_mine", []);
    },
    async close() {
      provider.destroy();
      await connection.close();
      await server.close();
    },
  };
}

/** `port`, or 0 (any free one) where it is taken: Hardhat's node does not report that. */
async function freeOrAny(port: number): Promise<number> {
  const probe = createServer();
  try {
    probe.listen(port, "127.0.0.1");
    await once(probe, "listening");
    return port;
  } catch {
    return 0;
  } finally {
    probe.close();
  }
}
