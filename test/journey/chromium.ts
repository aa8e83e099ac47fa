import { execFileSync } from "node:child_process";
import { createRequire } from "node:module";
import { type Browser, chromium } from "playwright-core";

const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Starts the machine's Chromium, or the one of `npm ci --prefix tools/chromium`; undefined where there is neither. */
export async function startChromium(): Promise<Browser | undefined> {
  const executablePath = installed() ?? (await packaged());
  return executablePath === undefined ? undefined : chromium.launch({ executablePath, args: FLAGS });
}

function installed(): string | undefined {
  for (const name of ["chromium", "chromium-browser", "google-chrome"])
    try {
      return execFileSync("which", [name], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
    } catch {
      // Not this one.
    }
  return undefined;
}

async function packaged(): Promise<string | undefined> {
  const require = createRequire(new URL("../../tools/chromium/package.json", import.meta.url));
  let path: string;
  try {
    path = require.resolve("@sparticuz/chromium");
  } catch {
    return undefined;
  }
  const { default: own } = (await import(path)) as { default: { executablePath(): Promise<string> } };
  return own.executablePath();
}
