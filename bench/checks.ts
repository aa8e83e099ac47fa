/**
 * How many copies the data checks find, and how many rows they flag that are none, on the Solidity of four packages
 * (docs/data-checks.md): `node bench/checks.ts` prints tables and writes bench/results/checks.json. About two minutes.
 */
import { writeFileSync } from "node:fs";
import { setPriority } from "node:os";
import { Copies, type CopyKind, type Features, featuresOf } from "../sdk/checks/copies.ts";
import { readFolder } from "../sdk/files.ts";
import { cutRows } from "../sdk/rows.ts";
import { FILE_NOISE, noisy, ROW_NOISE } from "../test/support/noise.ts";
import { Random } from "../trainer/random.ts";

const PACKAGES = ["@openzeppelin/contracts", "solady", "@solidstate/contracts", "@prb/math"];
const [ROWS, FILES] = [400, 60];
const KINDS: CopyKind[] = ["copy", "near-copy", "renamed-copy"];
const root = new URL("..", import.meta.url).pathname;

setPriority(19);
const textOf = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const rowsOf = (text: string) => cutRows("file", Buffer.from(text)).rows.map((row) => row.text);
const files: { owner: string; text: string }[] = [];
for (const owner of PACKAGES)
  for (const { bytes } of await readFolder(`${root}/node_modules/${owner}`, ".sol"))
    files.push({ owner, text: textOf(bytes) });

const rows: { owner: string; text: string }[] = [];
for (const { owner, text } of files) rows.push(...rowsOf(text).map((row) => ({ owner, text: row })));
const copies = new Copies();
const started = performance.now();
const clean = rows.map(({ text }) => {
  const features = featuresOf(text);
  const found = copies.find(features);
  copies.add(features);
  return found;
});
const msPerRow = Number(((performance.now() - started) / rows.length).toFixed(2));

const table = (flagged: (CopyKind | undefined)[]) => ({
  rows: flagged.length,
  ...Object.fromEntries(KINDS.map((kind) => [kind, flagged.filter((one) => one === kind).length])),
  flagged: percent(flagged.filter(Boolean).length / flagged.length),
});
const percent = (share: number) => `${(100 * share).toFixed(1)} %`;

const untouched = Object.fromEntries(
  PACKAGES.flatMap((owner) => {
    const own = rows.flatMap((row, i) => (row.owner === owner ? [{ found: clean[i] }] : []));
    const from = (same: boolean) =>
      own.map(({ found }) => (found && (rows[found.of]!.owner === owner) === same ? found.kind : undefined));
    return [
      [`${owner}: as another package's`, table(from(false))],
      [`${owner}: as its own earlier rows`, table(from(true))],
    ];
  }),
);

const find = (features: Features) => copies.find(features)?.kind;
const sample = new Random(5)
  .shuffle(rows)
  .slice(0, ROWS)
  .map(({ text }) => text);
const byRow = Object.fromEntries(
  Object.entries(ROW_NOISE).map(([name, noise]) => [
    name,
    table(noisy(noise, sample).map((text) => find(featuresOf(text)))),
  ]),
);
const chosen = new Random(6)
  .shuffle(files)
  .slice(0, FILES)
  .map(({ text }) => text);
const byFile = Object.fromEntries(
  Object.entries(FILE_NOISE).map(([name, noise]) => [
    name,
    table(
      noisy(noise, chosen)
        .filter((text) => text.trim() !== "")
        .flatMap((text) => rowsOf(text).map((row) => find(featuresOf(row)))),
    ),
  ]),
);

for (const [title, values] of Object.entries({ untouched, byRow, byFile })) {
  console.log(`\n── ${title}`);
  console.table(values);
}
const megabytes = Math.round(process.memoryUsage().rss / 1e6);
console.log(`${rows.length} rows, ${msPerRow} ms a row, ${megabytes} MB`);
const result = { rows: rows.length, msPerRow, megabytes, untouched, byRow, byFile };
writeFileSync(`${root}/bench/results/checks.json`, `${JSON.stringify(result, null, 2)}\n`);
