import { openExport, verifyExport } from "../circuits/ceremony/exported.ts";
import { instanceOf } from "../circuits/instances.ts";
import { devKey } from "../circuits/setup/dev.ts";
import { verifyingKey } from "../circuits/setup/zkey.ts";
import { stopProver } from "../prover/groth16.ts";
import { DEVELOPMENT_CHAIN } from "../prover/keys.ts";
import type { Protocol } from "../sdk/contracts.ts";
import { OpenLedgerError } from "../sdk/errors.ts";
import { emitted, mined } from "../sdk/transactions.ts";
import type { VerifyingKey } from "../sdk/transcript.ts";
import { ownProtocol } from "./deployment.ts";
import { action, type Options } from "./run.ts";
import { type PowersOptions, powersFor } from "./zk.ts";

type Register = Options & PowersOptions & { chunkRows: number; key: string | undefined };

/** Registers the development key on its chain, and on any chain an exported key whose ceremony holds. */
export const register = action<Register>(async (args, context) => {
  try {
    const key =
      args.key === undefined
        ? await developmentKey(args.chunkRows, BigInt(context.chainId))
        : await ceremonyKey(args.key, args, await ownProtocol(args, context));
    const { verifier } = await ownProtocol(args, context);
    const receipt = await mined(verifier.registerKey(key));
    const { vkId } = emitted(verifier, "VerifyingKeyRegistered", receipt);
    const what = args.key === undefined ? "the development key" : "the key of the ceremony";
    return { message: `Registered ${what}.`, vkId, chunkRows: key.chunkRows, transaction: receipt.hash };
  } finally {
    await stopProver();
  }
});

async function developmentKey(chunkRows: number, chainId: bigint): Promise<VerifyingKey> {
  const instance = instanceOf(chunkRows);
  if (chainId !== DEVELOPMENT_CHAIN)
    throw new OpenLedgerError(
      "KEY_DEVELOPMENT",
      `key: the secrets of development keys are public, so chain ${chainId} takes none. Name a key that \`zk:export\` wrote (docs/ceremony.md).`,
    );
  return verifyingKey(await devKey(instance));
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
