import { devSrs } from "../../circuits/setup/dev.ts";
import { type ModelFacts, prepareRegistration, type RegistrationArguments } from "../../prover/register.ts";
import { loadSketches } from "../../trainer/attribution/artifact.ts";
import { answer } from "./apart.ts";

export type RegistrationTask = { facts: ModelFacts; vkId: string; sketches: string };

// Committing the columns takes a second for each million of entries.
answer(async ({ facts, vkId, sketches }: RegistrationTask): Promise<RegistrationArguments> => {
  const made = loadSketches(sketches);
  return (await prepareRegistration(facts, vkId, made, await devSrs(made.count))).args;
});
