import { readFileSync, statSync } from "node:fs";
import path from "node:path";
import { JsonRpcProvider, keccak256 } from "ethers";
import { checkVersion } from "../sdk/checks/datanet.ts";
import { type Contributed, checkAll, type Finding } from "../sdk/checks/rows.ts";
import { canonicalJson } from "../sdk/content.ts";
import { ContentStore } from "../sdk/content-store.ts";
import { protocol } from "../sdk/contracts.ts";
import { fetchVersion } from "../sdk/datanets.ts";
import { readAddresses } from "../sdk/deployment.ts";
import { OpenLedgerError } from "../sdk/errors.ts";
import { readFolder } from "../sdk/files.ts";
import { cutRows } from "../sdk/rows.ts";
import { requireSample, type Sample } from "./samples.ts";

/** One row to learn from, and where it is from. */
export interface TrainingRow {
  /** What it is; a text that may be a sample, as attribution reads it, or a sample of the user's own. */
  row: string | Sample;
  text: string;
  contribution: string;
  file: string;
}

/** Rows, the contributions they are from with a hash of what was read, and what the data checks found. */
export interface TrainingData {
  rows: TrainingRow[];
  sources: { name: string; hash: string; rows: number }[];
  findings: Finding[];
}

/** A frozen version of a Datanet, and where to read it. */
export interface VersionSource {
  datanetId: string;
  version: string;
  /** File of the contracts' addresses. */
  addresses: string;
  rpc: string;
  /** Folder of the content store. */
  content: string;
}

/**
 * Reads files and folders, each of which is one contribution. Lines of `.jsonl` files are samples, or rows of a contribution
 * as Datanets store them; other files are text, cut into rows as `datanet:contribute` cuts them.
 * @throws OpenLedgerError `DATA_MISSING`, `SAMPLE_INVALID`, `ROWS_…`
 */
export async function readPaths(paths: readonly string[]): Promise<TrainingData> {
  const contributions: { name: string; hash: string; rows: TrainingRow[] }[] = [];
  for (const name of paths) {
    const stat = statSync(name, { throwIfNoEntry: false });
    if (stat === undefined)
      throw new OpenLedgerError("DATA_MISSING", `data: there is no ${name}. Name a file or a folder.`);
    const files = stat.isDirectory()
      ? await readFolder(name, "")
      : [{ path: path.basename(name), bytes: new Uint8Array(readFileSync(name)) }];
    const rows = files.flatMap(({ path: file, bytes }): TrainingRow[] =>
      (file.endsWith(".jsonl") ? readLines : readText)(file, bytes).map((one) => ({
        ...one,
        contribution: name,
        file,
      })),
    );
    const hash = keccak256(canonicalJson(files.map(({ path: file, bytes }) => [file, keccak256(bytes)])));
    contributions.push({ name, hash, rows });
  }
  // Ids of the findings are places in this list, from 1. Nobody named a licence that theirs could contradict.
  const numbered = contributions.map(
    ({ rows }, i): Contributed => ({ id: BigInt(i + 1), rows: rows.map(({ file, text }) => ({ path: file, text })) }),
  );
  return {
    rows: contributions.flatMap(({ rows }) => rows),
    sources: contributions.map(({ name, hash, rows }) => ({ name, hash, rows: rows.length })),
    findings: checkAll("", numbered).filter(({ check }) => check !== "licence"),
  };
}

type Line = Pick<TrainingRow, "row" | "text">;

function readText(file: string, bytes: Uint8Array): Line[] {
  return cutRows(file, bytes).rows.map(({ text }) => ({ row: text, text }));
}

function readLines(file: string, bytes: Uint8Array): Line[] {
  const lines = decode(file, bytes).split("\n");
  return lines.flatMap((line, index): Line[] => {
    if (line.trim() === "") return [];
    const stored = storedRow(line);
    return stored === undefined
      ? [{ row: requireSample(line, `${file} line ${index + 1}`), text: line }]
      : [{ row: stored, text: stored }];
  });
}

function decode(file: string, bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new OpenLedgerError(
      "ROWS_NOT_UTF8",
      `File ${file} is not valid UTF-8. Convert it to UTF-8, or leave it out.`,
      { cause },
    );
  }
}

/** The text of a line of a contribution's file. */
function storedRow(line: string): string | undefined {
  try {
    const { path: file, text, ...others } = JSON.parse(line);
    const stored = typeof file === "string" && typeof text === "string" && Object.keys(others).length === 0;
    return stored && text.trim() !== "" ? text : undefined;
  } catch {
    return undefined;
  }
}

/** Reads a frozen version, each contribution checked against the chain. */
export async function readVersion(source: VersionSource): Promise<TrainingData> {
  const provider = new JsonRpcProvider(source.rpc, undefined, { cacheTimeout: -1 });
  try {
    // ethers would ask again for ever.
    await provider._detectNetwork().catch((cause: unknown) => {
      const message = `rpc: no chain answers at ${source.rpc}. Start it, or name another.`;
      throw new OpenLedgerError("DATA_CHAIN", message, { cause });
    });
    const { datanets } = protocol(readAddresses(source.addresses), provider);
    const [datanetId, number] = [BigInt(source.datanetId), BigInt(source.version)];
    const version = await fetchVersion(datanets, new ContentStore(source.content), datanetId, number);
    let at = 0;
    const sources: TrainingData["sources"] = [];
    const rows: TrainingRow[] = [];
    for (const [c, id] of version.contributionIds.entries()) {
      const own = version.rows.slice(at, (at += version.counts[c]!));
      const { rowRoot: hash } = await datanets.contribution(id);
      sources.push({ name: `contribution ${id}`, hash, rows: own.length });
      for (const { path: file, text } of own) rows.push({ row: text, text, contribution: String(id), file });
    }
    return { rows, sources, findings: await checkVersion(datanets, datanetId, version) };
  } finally {
    provider.destroy();
  }
}
