import type { WeightFormat } from "../../../../trainer/packed.ts";
import { Facts } from "../ui/page.tsx";

export type { WeightFormat };
/** Ways to keep the base's weights in memory, by their names. */
export const WEIGHTS: Record<WeightFormat, string> = { f32: "Full precision", f16: "16 bits", q4: "4 bits" };

const NAMES: Record<string, string> = {
  rank: "LoRA rank",
  alpha: "LoRA alpha",
  targetModules: "Adapted layers",
  epochs: "Epochs",
  learningRate: "Learning rate",
  batch: "Rows a step",
  seed: "Seed",
};

/** Hyper-parameters by their names. */
export const Settings = ({ of }: { of: Record<string, unknown> }) => (
  <Facts
    of={Object.fromEntries(
      Object.entries(of)
        .filter(([key]) => key !== "title" && key !== "note")
        .map(([key, value]) => [NAMES[key] ?? key, Array.isArray(value) ? value.join(", ") : String(value)]),
    )}
  />
);
