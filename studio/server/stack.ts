import type { FastifyInstance } from "fastify";
import { PRESET_NOTES, PRESETS, type PresetName } from "../../trainer/presets.ts";
import { CHAIN_ID } from "../stack.ts";
import { Fields } from "./fields.ts";
import type { Studio } from "./studio.ts";

const presets = Object.fromEntries(
  (Object.keys(PRESETS) as PresetName[]).map((name) => [name, { ...PRESET_NOTES[name], ...PRESETS[name] }]),
);

/** The stack as the pages see it, and bases that people add to it. */
export function stackRoutes(app: FastifyInstance, { stack, deployments, bases }: Studio): void {
  const { chain, people, token, genesis } = stack;
  const shown = () => bases.list().map(({ folder: _, ...base }) => base);

  app.get("/api/stack", async () => ({
    chainId: CHAIN_ID,
    rpcUrl: chain.url,
    genesis,
    addresses: chain.addresses,
    token,
    vkId: chain.vkId,
    ...(deployments.operator === undefined ? {} : { operatorUrl: "/operator" }),
    accounts: people,
    bases: shown(),
    downloads: bases.downloads(),
    presets,
    problems: deployments.problems(),
  }));
  app.post("/api/bases", async ({ body }) => {
    const { id } = await bases.add(new Fields(body).text("source", 1000));
    return shown().find((base) => base.id === id);
  });
}
