import { createRequire } from "node:module";
import toolbox from "@nomicfoundation/hardhat-toolbox-mocha-ethers";
import { configVariable, defineConfig } from "hardhat/config";
import { tasks } from "./tasks/index.ts";

// solc comes from npm, so that compiling needs no download; `path` must stand in every profile.
const path = createRequire(import.meta.url).resolve("solc/soljson.js");
const compiler = (runs: number, viaIR: boolean) => ({
  version: "0.8.37",
  path,
  settings: { optimizer: { enabled: true, runs }, viaIR, evmVersion: "cancun" },
});

export default defineConfig({
  plugins: [toolbox],
  tasks,
  solidity: {
    npmFilesToBuild: ["@openzeppelin/contracts/access/manager/AccessManager.sol"],
    profiles: {
      default: compiler(1000, false),
      production: compiler(10_000, true),
    },
  },
  // The generated files hold stray semicolons that `erasableSyntaxOnly` takes for code; only their types are used.
  typechain: { tsNocheck: true },
  paths: { tests: { mocha: "test/contracts", solidity: "test/invariants" }, ignition: "deploy" },
  test: { solidity: { invariant: { runs: 130, depth: 200, failOnRevert: true } } },
  networks: {
    // Settlements are checked against the per-transaction gas cap of mainnet (EIP-7825).
    default: { type: "edr-simulated", chainType: "l1", hardfork: "osaka" },
    local: { type: "http", chainType: "l1", url: process.env.OPENLEDGER_RPC ?? "http://127.0.0.1:8545" },
    // Any other chain. Both come from the environment, or encrypted from `npx hardhat keystore set`.
    public: {
      type: "http",
      chainType: "l1",
      url: configVariable("OPENLEDGER_PUBLIC_RPC"),
      accounts: [configVariable("OPENLEDGER_PUBLIC_KEY")],
    },
  },
});
