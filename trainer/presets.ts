import { LINEARS } from "./config.ts";
import type { FinetuneOptions } from "./finetune.ts";

type Preset = Omit<FinetuneOptions, "rows" | "heldOut" | "onProgress">;

/** Named hyper-parameters for fine-tuning. */
export const PRESETS = {
  /** About half a minute for 200 rows on models/tiny-llama and two CPU cores. */
  quick: {
    rank: 4,
    alpha: 8,
    targetModules: ["q_proj", "v_proj"],
    epochs: 3,
    learningRate: 1e-2,
    batch: 8,
    seed: 1,
  },
  /** The demo: 1,200 rows on models/tiny-llama in about a minute on two idle CPU cores; stops before memorising. */
  demo: {
    rank: 8,
    alpha: 16,
    targetModules: ["q_proj", "v_proj"],
    epochs: 2,
    learningRate: 1e-2,
    batch: 16,
    seed: 1,
  },
  /** For bases of 100 million parameters and more: attention alone, its rate tried on SmolLM2-135M. */
  light: {
    rank: 8,
    alpha: 16,
    targetModules: ["q_proj", "v_proj"],
    epochs: 2,
    learningRate: 9e-4,
    batch: 16,
    seed: 1,
  },
  /** The same for all linears at a higher rank: learns more, takes longer, and its gradients are larger. */
  full: {
    rank: 16,
    alpha: 32,
    targetModules: [...LINEARS],
    epochs: 2,
    learningRate: 6e-4,
    batch: 16,
    seed: 1,
  },
} satisfies Record<string, Preset>;

export type PresetName = keyof typeof PRESETS;

/** What a preset is to a person. */
export const PRESET_NOTES: Record<PresetName, { title: string; note: string }> = {
  quick: { title: "Quick", note: "For a first try: half a minute for about 200 rows on the tiny base." },
  demo: { title: "Thorough", note: "What the demo uses: about two minutes for 1,200 rows on the tiny base." },
  light: { title: "Large base", note: "For bases of 100 million parameters and more: a small adapter on attention." },
  full: {
    title: "Large base, all layers",
    note: "The same with a larger adapter on every linear layer: learns more, takes longer.",
  },
};
