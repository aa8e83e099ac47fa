import type { Srs } from "../circuits/setup/srs.ts";
import type { Protocol } from "../sdk/contracts.ts";
import { OpenLedgerError } from "../sdk/errors.ts";
import type { G1 } from "../sdk/hash.ts";
import { mined } from "../sdk/transactions.ts";
import {
  baseWeights,
  commitmentId,
  type RegistrationStatement,
  registrationChallenges,
  rowLengths,
  sketchRoot,
} from "../sdk/transcript.ts";
import type { Sketches } from "../trainer/attribution/artifact.ts";
import { MAX_NORM } from "../trainer/attribution/quantise.ts";
import { commitInThreads } from "./commit.ts";
import { commitFlags } from "./kzg.ts";
import { proveOwnership, proveSums, type Sums } from "./registration.ts";
import type { Committed } from "./settlement.ts";

/** What a model's sketches register: its rows in the order of the model's frozen versions, k columns and m0. */
export type Published = Pick<Sketches, "rows" | "k" | "m0">;

/** What the chain knows of a model before its sketches are registered. */
export type ModelFacts = Pick<
  RegistrationStatement,
  "chainId" | "registry" | "modelId" | "versionHashes" | "counts" | "manifestHash"
>;

/** What `AttributionRegistry.register` takes. */
export type RegistrationArguments = {
  modelId: bigint;
  vkId: string;
  k: number;
  columns: Uint8Array;
  flags: G1;
  gRoot: string;
  m0: bigint;
  baseWeights: number[];
  opening: G1;
  sums: Sums;
};

export type Registration = { commitmentId: string; committed: Committed; args: RegistrationArguments };

/** Reads a model's facts: its versions' hashes and counts, and its manifest. */
export async function modelFacts({ datanets, models, addresses }: Protocol, modelId: bigint): Promise<ModelFacts> {
  const { chainId } = await models.runner!.provider!.getNetwork();
  const versionHashes: string[] = [];
  const counts: number[] = [];
  for (const { datanetId, version } of await models.versions(modelId)) {
    versionHashes.push(await datanets.versionHash(datanetId, version));
    counts.push(...(await datanets.versionContributions(datanetId, version)).rowCounts.map(Number));
  }
  const { manifestHash } = await models.manifest(modelId);
  return { chainId, registry: addresses.attribution, modelId, versionHashes, counts, manifestHash };
}

/**
 * Refuses rows with Σ_j g_ij² > 136², for which a dispute would revoke them; committing refuses entries of −128.
 * With ΣQ_j² ≤ 480² a row of at most that norm scores at most 136·480 = 65,280 < 2^16 (Cauchy–Schwarz): no query, the
 * sum of all rows included, can then push a score out of the circuit's range, and no epoch can lack a witness.
 * @throws OpenLedgerError `SKETCH_NORM`, naming the row
 */
function checkNorms(sketches: Int8Array, k: number): void {
  for (let i = 0; i * k < sketches.length; i++) {
    const row = sketches.subarray(i * k, (i + 1) * k);
    const squares = row.reduce((sum, entry) => sum + entry * entry, 0);
    if (squares > MAX_NORM ** 2)
      throw new OpenLedgerError(
        "SKETCH_NORM",
        `sketches: the squares of row ${i} add up to ${squares}, more than ${MAX_NORM}². Build them again.`,
      );
  }
}

/**
 * Commits a model's sketches and opens the ownership of their rows. Nothing is sent: the model's owner registers.
 */
export async function prepareRegistration(
  facts: ModelFacts,
  vkId: string,
  { rows: sketches, k, m0: least }: Published,
  srs: Srs,
): Promise<Registration> {
  const { modelId, counts } = facts;
  if (!Number.isSafeInteger(least) || least < 1)
    throw new OpenLedgerError("SKETCH_M0", `sketches: m0 is ${least}, not a whole number from 1. Build them again.`);
  checkNorms(sketches, k);
  const m0 = BigInt(least);
  const columns = await commitInThreads(sketches, k, srs);
  const flags = await commitFlags(counts, srs);
  const gRoot = sketchRoot(sketches, k);
  const base = baseWeights(rowLengths(sketches, k), counts);
  const id = commitmentId({ ...facts, k, baseWeights: base, columns, flags, gRoot, m0 });
  const challenges = registrationChallenges(id);
  const opening = await proveOwnership(counts, flags, challenges.zeta, srs);
  const sums = await proveSums(sketches, k, challenges, srs);
  return {
    commitmentId: id,
    committed: { counts, sketches, columns, flags },
    args: { modelId, vkId, k, columns, flags, gRoot, m0, baseWeights: base, opening, sums },
  };
}

/** Commits a model's sketches and registers them. The runner must own the model. Arguments as in prepareRegistration. */
export async function registerSketches(
  protocol: Protocol,
  modelId: bigint,
  vkId: string,
  sketches: Published,
  srs: Srs,
) {
  const { args, ...rest } = await prepareRegistration(await modelFacts(protocol, modelId), vkId, sketches, srs);
  return { ...rest, receipt: await mined(protocol.attribution.register(args)) };
}
