import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Content } from "../sdk/content.ts";
import type { Protocol } from "../sdk/contracts.ts";
import { fetchVersion } from "../sdk/datanets.ts";
import { type Finding, Findings, requireThat } from "../sdk/findings.ts";
import { fetchManifest } from "../sdk/models.ts";
import { sketchRoot } from "../sdk/transcript.ts";
import { type AuditOptions, auditSketches } from "../trainer/attribution/audit.ts";
import { WEIGHT_FORMATS, type WeightFormat } from "../trainer/packed.ts";
import type { Pool } from "../trainer/pool.ts";
import { fetchAdapter, fetchSketches } from "./adapters.ts";

/**
 * Audits a model from the chain and published content: its adapter, its rows and its sketches are fetched and checked against
 * what the chain says of them, and the sketches derived again. What is audited is the release that was committed last; of a
 * model without a commitment the one minted last.
 * @param start loads the model's base with its weights in the format that the sketches were made over
 * @throws OpenLedgerError `MODEL_…`, `CONTENT_…`, `CONTRIBUTION_MISMATCH`, `TRAINER_…` where it cannot look
 */
export async function auditModel(
  { attribution, models, datanets }: Protocol,
  store: Content,
  start: (format: WeightFormat) => Promise<Pool>,
  modelId: bigint,
  options: AuditOptions = {},
): Promise<Finding[]> {
  const folder = mkdtempSync(join(tmpdir(), "openledger-audit-"));
  let pool: Pool | undefined;
  try {
    const commitmentId = await attribution.commitmentOf(modelId);
    const committed = BigInt(commitmentId) === 0n ? undefined : await attribution.commitment(commitmentId);
    const release = await fetchManifest(models, store, modelId, committed?.release);
    const { manifest } = release;
    const sketches = await fetchSketches(store, manifest, folder);
    pool = await start(WEIGHT_FORMATS.find((format) => format === sketches.weightFormat) ?? "f32");
    const adapter = await fetchAdapter(store, pool.base, modelId, release, folder);
    const rows: string[] = [];
    for (const { datanetId, version } of manifest.versions) {
      const fetched = await fetchVersion(datanets, store, BigInt(datanetId), BigInt(version));
      rows.push(...fetched.rows.map(({ text }) => text));
    }
    const findings = new Findings(options.onFinding);
    if (committed === undefined) findings.skip("committed", "the model has no commitment yet");
    else
      await findings.check("committed", async () => {
        const { k, m0, gRoot } = committed;
        requireThat(
          BigInt(sketches.k) === k && BigInt(sketches.m0) === m0 && sketchRoot(sketches.rows, sketches.k) === gRoot,
          `the published sketches are not those of commitment ${commitmentId}`,
        );
        return { detail: `commitment ${commitmentId} is of these sketches and this m0` };
      });
    return [...findings.all, ...(await auditSketches(pool, adapter, rows, sketches, options))];
  } finally {
    await pool?.close();
    rmSync(folder, { recursive: true });
  }
}
