import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { defineConfig } from "hardhat/config";
import { definePlugin } from "hardhat/plugins";
import project from "../../hardhat.config.ts";
import { instrument, LIBRARY, library } from "./branches.ts";

/**
 * The project's Hardhat as `npm run coverage` starts it, with --coverage: Hardhat's own instrumentation of statements,
 * ours of branches on top, artifacts of its own in COVERAGE_FOLDER. A build writes what can be reached under
 * COVERAGE_POINTS, a file per source; a test run writes the tags of what was to COVERAGE_HITS.
 */
const { COVERAGE_FOLDER = "build/coverage", COVERAGE_POINTS, COVERAGE_HITS } = process.env;
const NOT_COUNTED = /^project\/contracts\/(mocks|experimental)\//;
const hits = new Set<string>();

function write(path: string, value: unknown): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, JSON.stringify(value));
}

const branches = definePlugin({
  id: "openledger-branches",
  hookHandlers: {
    solidity: async () => ({
      default: async () => ({
        preprocessProjectFileBeforeBuilding: async (context, name, fsPath, text, version, next) => {
          const instrumented = await next(context, name, fsPath, text, version);
          if (!name.startsWith("project/contracts/") || NOT_COUNTED.test(name)) return instrumented;
          const { source, ...points } = instrument(name.slice("project/".length), instrumented);
          if (COVERAGE_POINTS) write(join(COVERAGE_POINTS, `${name.replaceAll("/", "-")}.json`), points);
          return source;
        },
        preprocessSolcInputBeforeBuilding: async (context, input, next) => {
          const built = await next(context, input);
          const coverage = Object.keys(built.sources).find((name) => name.startsWith("__NomicFoundationCoverage"))!;
          built.sources[LIBRARY] = { content: library(coverage) };
          return built;
        },
      }),
    }),
    network: async () => ({
      default: async () => ({
        onCoverageData: async (_context, tags) => {
          for (const tag of tags) hits.add(tag);
        },
      }),
    }),
    test: async () => ({
      default: async () => ({
        onTestRunDone: async (context, id, next) => {
          await next(context, id);
          if (COVERAGE_HITS) write(COVERAGE_HITS, [...hits].sort());
        },
      }),
    }),
  },
});

export default defineConfig({
  ...project,
  plugins: [...project.plugins!, branches],
  test: { ...project.test, mocha: { timeout: 300_000 } },
  paths: { ...project.paths, artifacts: join(COVERAGE_FOLDER, "artifacts"), cache: join(COVERAGE_FOLDER, "cache") },
});
