import { createHash } from "node:crypto";
import { globSync, readFileSync } from "node:fs";
import path from "node:path";
import { OpenLedgerError } from "../../sdk/errors.ts";

/**
 * Where the readable sources of each package are. One tree per package: many also ship compiled copies of it.
 * The packages themselves are pinned by the package.json and lock file beside this file.
 */
const SOURCES: Record<string, string[]> = {
  "@noble/curves": ["src"],
  "@noble/hashes": ["src"],
  "@reduxjs/toolkit": ["src"],
  "@tanstack/query-core": ["src"],
  "@tanstack/table-core": ["src"],
  "@trpc/server": ["src"],
  "@wagmi/core": ["src"],
  abitype: ["src"],
  ajv: ["lib"],
  axios: ["lib"],
  commander: ["lib"],
  "date-fns": ["."],
  effect: ["src"],
  eslint: ["lib"],
  ethers: ["src.ts"],
  express: ["lib"],
  fastify: ["lib", "docs", "test", "examples"],
  hardhat: ["src"],
  hono: ["dist/client", "dist/helper", "dist/jsx", "dist/middleware", "dist/router", "dist/utils"],
  immer: ["src"],
  jsdom: ["lib/jsdom/browser", "lib/jsdom/level2", "lib/jsdom/living"],
  knex: ["lib"],
  koa: ["lib"],
  lodash: ["."],
  mocha: ["lib"],
  mongoose: ["lib"],
  ox: ["src"],
  pino: ["lib", "docs", "test", "examples"],
  preact: ["src", "hooks/src", "compat/src", "test-utils/src"],
  sequelize: ["lib"],
  "socket.io": ["dist"],
  svelte: ["src"],
  three: ["src", "examples/jsm/controls", "examples/jsm/loaders", "examples/jsm/math", "examples/jsm/utils"],
  typeorm: ["common", "driver", "entity-manager", "metadata", "query-builder", "repository", "schema-builder", "util"],
  underscore: ["modules"],
  undici: ["lib", "docs"],
  viem: [
    "accounts",
    "actions",
    "celo",
    "clients",
    "ens",
    "errors",
    "experimental",
    "op-stack",
    "types",
    "utils",
    "zksync",
  ],
  webpack: ["lib"],
  winston: ["lib"],
  ws: ["lib"],
  zod: ["src"],
};
/** No package may drown the others, bytes. */
const PACKAGE_LIMIT = 1_800_000;
const EXTENSIONS = ["ts", "js", "mjs", "md"];
const LEFT_OUT = /(^|\/)(node_modules|locales?|generated|fp|cdn|_lib\/locale)\/|\.d\.ts$|\.min\.|bundle|\.umd\./;

export interface Document {
  package: string;
  path: string;
  text: string;
  /** One file in fifty, by hash of its text, is never trained on. */
  heldOut: boolean;
}

export interface PackageRecord {
  name: string;
  version: string;
  license: string;
  files: number;
  bytes: number;
}

/**
 * The pretraining text under `root`/node_modules: deduplicated readable sources and documentation in TypeScript,
 * JavaScript and Markdown, no minified or generated files, and nothing that contains Solidity
 * (that is what the demo fine-tunes on).
 */
export function readCorpus(root: string): { documents: Document[]; packages: PackageRecord[] } {
  const documents: Document[] = [];
  const packages: PackageRecord[] = [];
  const seen = new Set<string>();
  for (const [name, folders] of Object.entries(SOURCES)) {
    const folder = path.join(root, "node_modules", name);
    const manifest = JSON.parse(readFileSync(path.join(folder, "package.json"), "utf8"));
    if (manifest.license !== "MIT") {
      throw new OpenLedgerError("PRETRAIN_LICENCE", `${name}: license is ${manifest.license}, not MIT; take it out`);
    }
    const patterns = folders.map((f) => path.join(f, `**/*.{${EXTENSIONS.join(",")}}`));
    const files = globSync([...patterns, "*.md"], { cwd: folder })
      .filter((file) => !LEFT_OUT.test(file))
      .map((file) => ({ file, text: readFileSync(path.join(folder, file), "utf8").replaceAll("\r\n", "\n") }))
      .filter(({ text }) => readable(text))
      .map(({ file, text }) => ({ file, text, hash: createHash("sha256").update(text).digest("hex") }))
      .sort((a, b) => (a.hash < b.hash ? -1 : 1));
    const record = { name, version: manifest.version, license: manifest.license, files: 0, bytes: 0 };
    for (const { file, text, hash } of files) {
      const bytes = Buffer.byteLength(text);
      if (seen.has(hash) || record.bytes + bytes > PACKAGE_LIMIT) continue;
      seen.add(hash);
      record.files++;
      record.bytes += bytes;
      documents.push({ package: name, path: file, text, heldOut: Number.parseInt(hash.slice(-6), 16) % 50 === 0 });
    }
    packages.push(record);
  }
  return { documents, packages };
}

/** Of a sensible size, without the long lines of minified or generated code, not Solidity, under no other licence. */
function readable(text: string): boolean {
  if (text.length < 200 || text.length > 100_000) return false;
  if (text.split("\n").some((line) => line.length > 400)) return false;
  if (
    /pragma solidity|SPDX-License-Identifier(?!: MIT)|Apache License|General Public License|Mozilla Public/.test(text)
  ) {
    return false;
  }
  const words = text.match(/[A-Za-z]{2,}/g) ?? [];
  return words.join("").length > 0.35 * text.length; // tables of numbers and encoded data are not language
}
