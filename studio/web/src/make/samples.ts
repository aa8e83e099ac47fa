/** The first lines of a row, about half of it: a prompt that the model can go on from. */
export function samplePrompt(text: string): string {
  const lines = text.trimEnd().split("\n");
  if (lines.length > 1) return lines.slice(0, Math.ceil(lines.length / 2)).join("\n");
  const words = text.trimEnd().split(" ");
  return words.slice(0, Math.ceil(words.length / 2)).join(" ");
}

/** `count` things spread evenly over a list. */
export const spread = <T>(list: readonly T[], count: number): T[] =>
  list.length <= count
    ? [...list]
    : Array.from({ length: count }, (_, i) => list[Math.floor(((i + 0.5) * list.length) / count)]!);

/** What a text is about, in a few characters: its first line that is more than a bracket. */
export const titleOf = (text: string): string => {
  const lines = text.split("\n").map((line) => line.trim());
  return (lines.find((line) => line.length > 8) ?? lines[0]!).slice(0, 32);
};
