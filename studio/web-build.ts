import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";

const ROOT = new URL("..", import.meta.url).pathname;
const WEB = join(ROOT, "studio", "web");
const DIST = join(WEB, "dist");

/** What the pages are made of, beside packages. */
const SOURCES = [WEB, ...["sdk", "openlora", "package-lock.json"].map((name) => join(ROOT, name))];

/** Time of the latest change at or below `path`. */
function changed(path: string): number {
  if (path === DIST || path.endsWith("node_modules")) return 0;
  const { mtimeMs } = statSync(path);
  if (!statSync(path).isDirectory()) return mtimeMs;
  return Math.max(mtimeMs, ...readdirSync(path).map((name) => changed(join(path, name))));
}

/** Builds the pages when their sources are newer, and returns their folder; none where there are no sources. */
export async function builtWeb(say: (line: string) => void): Promise<string | undefined> {
  if (!existsSync(join(WEB, "index.html"))) return undefined;
  const page = join(DIST, "index.html");
  if (existsSync(page) && statSync(page).mtimeMs > Math.max(...SOURCES.map(changed))) return DIST;
  say("Web pages …");
  const { build } = await import("vite");
  await build({ root: WEB, logLevel: "error" });
  return DIST;
}
