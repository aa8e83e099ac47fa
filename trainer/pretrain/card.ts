import type { LlamaConfig } from "../config.ts";
import type { PackageRecord } from "./corpus.ts";

/** Mean token losses in nats: training smoothed over the last steps, held-out over a fixed sample of windows. */
export interface LossPoint {
  step: number;
  tokens: number;
  train: number;
  heldOut: number;
}

export interface CardFacts {
  config: LlamaConfig;
  packages: PackageRecord[];
  step: number;
  minutes: number;
  tokens: number;
  curve: LossPoint[];
  parameters: number;
  heldOut: number;
  bytesPerToken: number;
  learningRate: number;
  weightDecay: number;
  windowsPerThread: number;
  threads: number;
}

const COLOURS = { train: "#8a94a6", heldOut: "#0b6e4f" };

/** Both loss curves over tokens, as an SVG. */
export function plotLoss(curve: LossPoint[]): string {
  const [width, height, margin] = [640, 320, 48];
  const losses = curve.flatMap((point) => [point.train, point.heldOut]);
  const [low, high] = [Math.floor(Math.min(...losses, 3)), Math.ceil(Math.max(...losses, 6))];
  const last = curve.at(-1)?.tokens ?? 1;
  const x = (tokens: number) => (margin + (tokens / last) * (width - 2 * margin)).toFixed(1);
  const y = (loss: number) => (height - margin - ((loss - low) / (high - low)) * (height - 2 * margin)).toFixed(1);
  const line = (field: "train" | "heldOut") =>
    `<polyline fill="none" stroke="${COLOURS[field]}" stroke-width="2" points="${curve.map((p) => `${x(p.tokens)},${y(p[field])}`).join(" ")}"/>`;
  const grid = Array.from({ length: high - low + 1 }, (_, i) => low + i).map(
    (loss) =>
      `<line x1="${margin}" x2="${width - margin}" y1="${y(loss)}" y2="${y(loss)}" stroke="#e3e6ea"/>` +
      `<text x="${margin - 8}" y="${y(loss)}" text-anchor="end" dominant-baseline="middle">${loss}</text>`,
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">
<rect width="100%" height="100%" fill="#fff"/>
${grid.join("\n")}
${line("train")}
${line("heldOut")}
<text x="${margin}" y="24">Loss (nats per token) over ${(last / 1e6).toFixed(1)} million tokens:
<tspan fill="${COLOURS.train}">training</tspan>, <tspan fill="${COLOURS.heldOut}">held out</tspan></text>
</svg>
`;
}

/** The model's README.md. */
export function modelCard(facts: CardFacts): string {
  const { config, packages, curve, bytesPerToken } = facts;
  const bytes = packages.reduce((sum, p) => sum + p.bytes, 0);
  const stride = Math.max(1, Math.ceil(curve.length / 12));
  const shown = curve.filter((_, i) => i % stride === 0 || i === curve.length - 1);
  return `---
license: mit
library_name: transformers
pipeline_tag: text-generation
---
# tiny-llama

A Llama of ${(facts.parameters / 1e6).toFixed(2)} million parameters, pretrained from scratch by \`trainer/pretrain/pretrain.ts\` on TypeScript,
JavaScript and Markdown. It is the base model of this repository's tests and demo: small enough to fine-tune on two CPU
cores in a minute, and it has never seen Solidity, which the demo fine-tunes it on.

| | |
|---|---|
| Architecture | LlamaForCausalLM, ${config.layers} layers, hidden ${config.hiddenSize}, ${config.heads} heads, ${config.kvHeads} key-value heads, MLP ${config.intermediateSize}, tied embeddings |
| Tokenizer | byte-level BPE, ${config.vocabSize} tokens, trained on the same text (${bytesPerToken.toFixed(2)} bytes a token on held-out files) |
| Context | ${config.context} tokens |
| Training | ${facts.step} steps of ${facts.threads * facts.windowsPerThread} windows, ${(facts.tokens / 1e6).toFixed(1)} million tokens, ${facts.minutes.toFixed(0)} minutes on ${facts.threads} shared CPU threads |
| Optimiser | AdamW, β 0.9 and 0.95, peak rate ${facts.learningRate}, weight decay ${facts.weightDecay}, warm-up, cosine, norm clipped at 1 |
| Held-out loss | **${facts.heldOut.toFixed(3)} nats a token** (${(facts.heldOut / Math.LN2 / bytesPerToken).toFixed(3)} bits a byte) on whole files that were never trained on |

![loss](loss.svg)

| step | million tokens | training loss | held-out loss (sample) |
|---|---|---|---|
${shown.map((p) => `| ${p.step} | ${(p.tokens / 1e6).toFixed(1)} | ${p.train.toFixed(3)} | ${p.heldOut.toFixed(3)} |`).join("\n")}

## Data

${packages.length} npm packages, all MIT-licensed, ${(bytes / 1e6).toFixed(1)} MB after leaving out minified, generated and duplicate files
and everything that contains Solidity. One file in fifty, by hash, is held out. The exact versions are pinned by
\`trainer/pretrain/package-lock.json\`.

| package | version | licence | files | bytes |
|---|---|---|---|---|
${packages.map((p) => `| ${p.name} | ${p.version} | ${p.license} | ${p.files} | ${p.bytes} |`).join("\n")}

## Limits

It completes code in the style of its data and knows nothing else: no dialogue, no instructions, no facts, nothing to
rely on. At this size its completions are locally plausible and globally wrong. Use it to test software, not to write it.
`;
}
