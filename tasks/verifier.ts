import { openExport, verifyExport } from "../circuits/ceremony/exported.ts";
import { compileCircuit } from "../circuits/compile.ts";
import { instanceOf } from "../circuits/instances.ts";
import { devKey } from "../circuits/setup/dev.ts";
import { verifyingKey } from "../circuits/setup/zkey.ts";
import { stopProver } from "../prover/groth16.ts";
import { DEVELOPMENT_CHAIN } from "../prover/keys.ts";
import type { Protocol } from "../sdk/contracts.ts";
import { OpenLedgerError } from "../sdk/errors.ts";
import type { G2 } from "../sdk/hash.ts";
import { emitted, mined } from "../sdk/transactions.ts";
import { type VerifyingKey, vkId } from "../sdk/transcript.ts";
import { openProtocol, ownProtocol } from "./deployment.ts";
import { action, type Options } from "./run.ts";
import { type PowersOptions, powersFor } from "./zk.ts";

type OfCircuit = Options & { chunkRows: number };

type Register = OfCircuit & PowersOptions & { key: string | undefined };

/** Registers the development key on its chain, and on any chain an exported key whose ceremony holds. */
export const register = action<Register>(async (args, context) => {
  const isDevelopment = args.key === undefined;
  if (isDevelopment) requireDevelopmentChain(context.chainId);
  const own = await ownProtocol(args, context);
  const { verifier, attribution } = own;
  try {
    const key =
      args.key === undefined
        ? await verifyingKey(await devKey(instanceOf(args.chunkRows)))
        : await ceremonyKey(args.key, args, own);
    const id = vkId(key, [...(await attribution.tauG2())] as G2, isDevelopment);
    const told = { vkId: id, chunkRows: key.chunkRows };
    if ((await verifier.chunkRows(id)) !== 0n) return { message: "It is registered, nothing sent.", ...told };
    const receipt = await mined(verifier.registerKey(key));
    const what = isDevelopment ? "the development key" : "the key of the ceremony";
    const registered = emitted(verifier, "VerifyingKeyRegistered", receipt);
    return { message: `Registered ${what}.`, ...told, vkId: registered.vkId, transaction: receipt.hash };
  } finally {
    await stopProver();
  }
});

function requireDevelopmentChain(chainId: number): void {
  if (BigInt(chainId) !== DEVELOPMENT_CHAIN)
    throw new OpenLedgerError(
      "KEY_DEVELOPMENT",
      `key: the secrets of development keys are public, so chain ${chainId} takes none. Name a key that \`zk:export\` wrote (docs/ceremony.md).`,
    );
}

async function ceremonyKey(path: string, options: PowersOptions, { attribution }: Protocol): Promise<VerifyingKey> {
  const { key } = await openExport(path);
  const { verifying, tauG2 } = await verifyExport(path, await powersFor(key.circuit.instance, options));
  if (String(await attribution.tauG2()) !== String(tauG2))
    throw new OpenLedgerError(
      "KEY_POWERS",
      "key: the registry was deployed with other powers of tau. Deploy with the key's `tauG2`, or make a key over the registry's powers.",
    );
  return verifying;
}

type Numbers = Record<"alpha1" | "beta2" | "gamma2" | "delta2", readonly bigint[]> & {
  ic: readonly (readonly bigint[])[];
  chunkRows: number | bigint;
};

type Check = OfCircuit & { zkey: string | undefined; vk: string | undefined };

/** Every constant of a key that the chain has, beside those of a file. */
export const check = action<Check>(async (args, context) => {
  const instance = instanceOf(args.chunkRows);
  const { verifier, attribution } = await openProtocol(args, context);
  const registered = await verifier.queryFilter(verifier.filters.VerifyingKeyRegistered(args.vk));
  const of =
    args.vk === undefined ? registered.filter((one) => Number(one.args.chunkRows) === instance.rows) : registered;
  const last = of.at(-1);
  if (!last)
    throw new OpenLedgerError("KEY_MISSING", "vk: no such key is registered. The admin runs `verifier:register`.");
  const { key, vkId: id } = last.args;
  const circuit = await compileCircuit(instance);
  const file = await verifyingKey(args.zkey ? { zkey: args.zkey, circuit } : await devKey(instance)).finally(
    stopProver,
  );
  const expected = constants(file);
  const found = constants(key);
  const checks = Object.entries(expected).map(([constant, value]) => ({
    constant,
    file: value,
    chain: found[constant]!,
    ok: value === found[constant],
  }));
  // The id is the hash of what was registered: what the event says is what settlements are verified by.
  const tauG2 = [...(await attribution.tauG2())] as G2;
  const isWhole = [true, false].some((development) => vkId(file, tauG2, development) === id);
  const wrong = checks.filter(({ ok }) => !ok).map(({ constant }) => constant);
  return {
    vkId: id,
    file: args.zkey ?? "development key",
    checks,
    message: `All ${checks.length} constants, and the hash over them, are those of the file.`,
    ...((wrong.length > 0 || !isWhole) && {
      message: `${wrong.length} of ${checks.length} constants differ.`,
      failure: new OpenLedgerError(
        "KEY_DIFFERS",
        `zkey: key ${id} on the chain is not that of the file: ${wrong.join(", ") || "its hash"}. Name another file or key.`,
      ),
    }),
  };
});

/** A key's numbers by name, from a file or the chain. */
function constants(key: Numbers): Record<string, string> {
  const { alpha1, beta2, gamma2, delta2, ic, chunkRows } = key;
  const points = { alpha1, beta2, gamma2, delta2, ic: ic.flatMap((point) => [...point]) };
  const entries = Object.entries(points).flatMap(([name, values]) =>
    [...values].map((value, i) => [`${name}[${i}]`, `0x${value.toString(16)}`] as const),
  );
  return { ...Object.fromEntries(entries), chunkRows: String(chunkRows) };
}
