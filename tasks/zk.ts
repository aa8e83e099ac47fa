import { existsSync, statSync } from "node:fs";
import { fetchPowers } from "../circuits/ceremony/download.ts";
import { exportKey, openExport, verifyExport } from "../circuits/ceremony/exported.ts";
import * as phase2 from "../circuits/ceremony/phase2.ts";
import { openPowers, type Powers, PUBLISHED_POWERS, tauG2 } from "../circuits/ceremony/powers.ts";
import { type VerifiedKey, verifyKey } from "../circuits/ceremony/verify.ts";
import { type Instance, instanceOf } from "../circuits/instances.ts";
import { stopProver } from "../prover/groth16.ts";
import { OpenLedgerError } from "../sdk/errors.ts";
import { action, type Options, type Result } from "./run.ts";

export type PowersOptions = { powers: string | undefined; powersHash: string | undefined };

const POWERS_FOLDER = ".local/powers";

/** A task of a ceremony, which ends the threads that snarkjs starts. */
const step = <Args>(work: (args: Args & Options) => Promise<Result>) =>
  action<Args & Options>((args) => work(args).finally(stopProver));

/** The powers of tau that the options name, or the published ones of the circuit's size, downloaded once. */
export async function powersFor(instance: Instance, { powers, powersHash }: PowersOptions): Promise<Powers> {
  if (powers !== undefined) return openPowers(requireFile("powers", powers), powersHash);
  if (powersHash !== undefined)
    throw new OpenLedgerError("POWERS_MISSING", "powers: powersHash is of a file that is not named. Name it.");
  const published = PUBLISHED_POWERS.find(({ power }) => power === instance.domainPower)!;
  return fetchPowers(published, POWERS_FOLDER);
}

export const setup = step<PowersOptions & { chunkRows: number; next: string }>(async (args) => {
  const instance = instanceOf(args.chunkRows);
  const powers = await powersFor(instance, args);
  await phase2.setup(instance, powers, args.next);
  return {
    message: `Wrote ${args.next}, the key before any contribution. Next: \`zk:contribute\`.`,
    file: args.next,
    chunkRows: args.chunkRows,
    powersOfTau: powers.blake2b,
    tauG2: (await tauG2(powers)).map(String),
  };
});

export const contribute = step<{ previous: string; next: string; name: string }>(async ({ previous, next, name }) => {
  const { hash } = await phase2.contribute(requireFile("previous", previous), next, name);
  return {
    message: `Wrote ${next}. Publish the hash of your contribution, then hand the file on.`,
    file: next,
    name,
    hash,
  };
});

type Beacon = { previous: string; next: string; value: string; iterations: number };

export const beacon = step<Beacon>(async ({ previous, next, value, iterations }) => {
  const { hash } = await phase2.beacon(requireFile("previous", previous), next, value, iterations);
  return {
    message: `Wrote ${next}, the final key. Next: \`zk:verify\`, \`zk:export\`.`,
    file: next,
    value,
    iterations,
    hash,
  };
});

type Verify = PowersOptions & { chunkRows: number; key: string; unfinished: boolean };

export const verify = step<Verify>(async ({ chunkRows, unfinished, ...args }) => {
  if (statSync(requireFile("key", args.key)).isDirectory()) {
    const { key } = await openExport(args.key);
    const powers = await powersFor(key.circuit.instance, args);
    const verified = await verifyExport(args.key, powers);
    return { message: "The folder is whole, and its key well made.", ...described(verified, powers) };
  }
  const instance = instanceOf(chunkRows);
  const powers = await powersFor(instance, args);
  const verified = await verifyKey(args.key, instance, powers, { unfinished });
  const state = unfinished ? "What is there so far" : "The key";
  return {
    message: `${state} is well made. Look for your contribution in the list.`,
    ...described(verified, powers),
  };
});

export const exported = step<PowersOptions & { chunkRows: number; key: string; keys: string }>(async (args) => {
  const instance = instanceOf(args.chunkRows);
  const powers = await powersFor(instance, args);
  const verified = await verifyKey(requireFile("key", args.key), instance, powers);
  const folder = await exportKey(verified, powers, args.keys);
  return { message: `Exported to ${folder}. Next: \`verifier:register\`.`, folder, ...described(verified, powers) };
});

const described = ({ vkId, verifying, contributions, tauG2: point }: VerifiedKey, powers: Powers) => ({
  vkId,
  chunkRows: verifying.chunkRows,
  powersOfTau: powers.blake2b,
  published: PUBLISHED_POWERS.some(({ blake2b }) => blake2b === powers.blake2b),
  tauG2: point.map(String),
  contributions: contributions.map(({ name, hash, beacon: public_ }) => ({
    name,
    hash,
    beacon: public_ ? `${public_.value}, 2^${public_.iterationsExponent} hashes` : "",
  })),
});

function requireFile(parameter: string, path: string): string {
  if (!existsSync(path))
    throw new OpenLedgerError("FILE_MISSING", `${parameter}: there is no ${path}. Name a file that is there.`);
  return path;
}
