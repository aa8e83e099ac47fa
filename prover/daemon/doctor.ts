import { existsSync, mkdirSync } from "node:fs";
import { statfs } from "node:fs/promises";
import { formatEther, type JsonRpcProvider, parseEther, Wallet } from "ethers";
import type { Content } from "../../sdk/content.ts";
import { ContentStore } from "../../sdk/content-store.ts";
import { type Protocol, protocol } from "../../sdk/contracts.ts";
import { OpenLedgerError } from "../../sdk/errors.ts";
import { readKey } from "../../sdk/key.ts";
import { revertReason } from "../../sdk/revert.ts";
import { epochIds } from "../../sdk/views/epochs.ts";
import { requireBond } from "../bond.ts";
import { provingKey, requireKeys } from "../keys.ts";
import { parallelism } from "../workers.ts";
import { commitmentOf, fetchCommitted } from "./commitments.ts";
import { AUDITORS_TOKEN, auditorsToken, OPERATOR_KEY, type OperatorConfig } from "./config.ts";
import { connect } from "./daemon.ts";
import { lockHolder } from "./lock.ts";
import { moment } from "./look.ts";
import { Models } from "./models.ts";
import { mayPropose } from "./role.ts";

export type Finding = { check: string; ok: boolean; detail: string };

const LEAST_BALANCE = parseEther("0.01");
const LEAST_DISK = 1n << 30n;

const wrong = (message: string) => new OpenLedgerError("OPERATOR_DOCTOR", message);

/** Looks at everything that a run needs. Every check is made, whatever the others find. */
export async function doctor(config: OperatorConfig): Promise<Finding[]> {
  const rpc = connect(config);
  const contracts = protocol(config.addresses, rpc);
  const store = new ContentStore(config.content);
  const findings: Finding[] = [];
  const check = async (name: string, look: () => Promise<string>) => {
    const finding = await look().then(
      (detail) => ({ ok: true, detail }),
      (error) => ({ ok: false, detail: revertReason(error) }),
    );
    findings.push({ check: name, ...finding });
  };
  try {
    await check("rpc", () => checkRpc(config));
    await check("contracts", () => checkContracts(config, rpc));
    await check("key", () => account(config));
    await check("role", async () => checkRole(contracts, await account(config), rpc));
    await check("balance", async () => checkBalance(await account(config), rpc));
    await check("tokens", async () => checkTokens(config));
    await check("auditors", async () => describeAuditors());
    let models: bigint[] = [];
    await check("models", async () => {
      const { blockTag } = await moment(rpc, config.confirmations);
      models = await new Models(contracts, config).list(blockTag);
      return models.join(", ") || "none yet; each is taken up when it is registered";
    });
    for (const modelId of models) {
      await check(`model ${modelId}: sketches`, () => checkSketches(contracts, store, modelId));
      await check(`model ${modelId}: bond`, async () => checkBond(contracts, modelId, await account(config)));
      await check(`model ${modelId}: proving key`, () => checkProvingKey(contracts, modelId, config));
    }
    await check("disk", () => checkDisk(config.dataDir));
    await check("lock", async () => describeLock(config.dataDir));
    return findings;
  } finally {
    rpc.destroy();
  }
}

const account = async ({ keystore }: OperatorConfig) => new Wallet(await readKey(OPERATOR_KEY, keystore)).address;

/** The chain id that the node itself gives. */
export async function chainIdOf(rpc: string): Promise<bigint> {
  const request = { jsonrpc: "2.0", id: 1, method: "eth_chainId", params: [] };
  const answer = await fetch(rpc, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(request),
  }).catch((cause) => {
    throw new OpenLedgerError("OPERATOR_RPC", `${rpc} cannot be reached. Check \`rpc\` and that the node runs.`, {
      cause,
    });
  });
  return BigInt(((await answer.json()) as { result: string }).result);
}

async function checkRpc({ rpc, chainId, keys }: OperatorConfig): Promise<string> {
  const found = await chainIdOf(rpc);
  if (found !== chainId)
    throw wrong(`${rpc} is chain ${found}, the configuration says ${chainId}. Correct one of them.`);
  requireKeys(chainId, keys);
  return `chain ${chainId}`;
}

async function checkContracts({ addresses }: OperatorConfig, rpc: JsonRpcProvider): Promise<string> {
  for (const [name, address] of Object.entries(addresses))
    if ((await rpc.getCode(address)) === "0x")
      throw wrong(`There is no contract at addresses.${name}, ${address}. Take the addresses from the deployment.`);
  return `${Object.keys(addresses).length} contracts`;
}

async function checkRole(contracts: Protocol, operator: string, rpc: JsonRpcProvider): Promise<string> {
  if (!(await mayPropose(contracts, operator, rpc)))
    throw wrong(`${operator} may not propose. Ask the access manager's admin for the operator role.`);
  return `${operator} may propose`;
}

async function checkBalance(operator: string, rpc: JsonRpcProvider): Promise<string> {
  const balance = await rpc.getBalance(operator);
  if (balance < LEAST_BALANCE)
    throw wrong(`${operator} has ${formatEther(balance)} ETH for gas. Send it ${formatEther(LEAST_BALANCE)} or more.`);
  return `${formatEther(balance)} ETH`;
}

async function checkSketches(contracts: Protocol, store: Content, modelId: bigint): Promise<string> {
  const { counts } = await fetchCommitted(contracts, store, await commitmentOf(contracts, modelId));
  return `${counts.reduce((sum, n) => sum + n, 0)} rows of ${counts.length} contributors, as committed`;
}

async function checkProvingKey(contracts: Protocol, modelId: bigint, config: OperatorConfig): Promise<string> {
  const { vkId, rows } = await contracts.attribution.commitment(await commitmentOf(contracts, modelId));
  const { key } = await provingKey(contracts, vkId, Number(rows), config.keys);
  const { instance } = key.circuit;
  return `${instance.rows} rows a chunk, chunks proven at a time: ${parallelism(instance, config)}`;
}

async function checkBond(contracts: Protocol, modelId: bigint, operator: string): Promise<string> {
  const unproposed: bigint[] = [];
  for (const epochId of await epochIds(contracts.splitter, modelId)) {
    const { proposedAt, settledAt } = await contracts.splitter.epoch(modelId, epochId);
    if (proposedAt === 0n && settledAt === 0n) unproposed.push(epochId);
  }
  if (unproposed.length === 0) return "none needed: the model has no open epoch";
  return requireBond(contracts, modelId, unproposed, operator);
}

function checkTokens({ servers }: OperatorConfig): string {
  for (const { url, tokenEnv } of servers)
    if (!process.env[tokenEnv]) throw wrong(`${tokenEnv} is not set. Set it to the token that ${url} gave you.`);
  return `${servers.length} set`;
}

function describeAuditors(): string {
  if (auditorsToken() !== undefined) return "receipts are shown to whoever has the token";
  return `receipts are shown to nobody, who may demand them: ${AUDITORS_TOKEN} is not set`;
}

async function checkDisk(dataDir: string): Promise<string> {
  mkdirSync(dataDir, { recursive: true });
  const { bavail, bsize } = await statfs(dataDir, { bigint: true });
  const free = `${((Number(bavail) * Number(bsize)) / 2 ** 30).toFixed(1)} GiB free`;
  if (bavail * bsize < LEAST_DISK) throw wrong(`${dataDir} has ${free}. Make room for 1 GiB.`);
  return free;
}

function describeLock(dataDir: string): string {
  const holder = lockHolder(dataDir);
  if (holder) return `an operator runs, process ${holder.pid}`;
  return existsSync(dataDir) ? "free" : "free, folder yet to be made";
}
