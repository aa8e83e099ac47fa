/** A curve of losses, and the points measured on held-out rows. */
export interface Curve {
  losses: readonly number[];
  /** Step and loss. */
  heldOut: readonly [step: number, loss: number][];
  /** Steps in all, of which some may be to come. */
  steps: number;
}

const LABEL = 8;

/** The curve as lines of text: `•` the mean loss of the steps in a column, `o` a measurement on held-out rows. */
export function plotLosses({ losses, heldOut, steps }: Curve, width = 72, height = 12): string[] {
  const columns = width - LABEL;
  const column = (step: number) => Math.min(columns - 1, Math.floor(((step - 1) / steps) * columns));
  const sums = Array.from({ length: columns }, () => ({ sum: 0, count: 0 }));
  losses.forEach((loss, i) => {
    const at = sums[column(i + 1)]!;
    at.sum += loss;
    at.count++;
  });
  const points = sums.flatMap(({ sum, count }, x) => (count > 0 ? [{ x, y: sum / count, mark: "•" }] : []));
  points.push(...heldOut.map(([step, y]) => ({ x: column(step), y, mark: "o" })));
  if (points.length === 0) return [];
  const values = points.map(({ y }) => y);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const row = (y: number) => (high === low ? 0 : Math.round(((high - y) / (high - low)) * (height - 1)));
  const grid = Array.from({ length: height }, () => Array<string>(columns).fill(" "));
  for (const { x, y, mark } of points) grid[row(y)]![x] = mark;
  const label = (y: number) => y.toFixed(3).padStart(LABEL - 2);
  return [
    ...grid.map((line, y) => {
      const shown = y === 0 ? label(high) : y === height - 1 ? label(low) : " ".repeat(LABEL - 2);
      return `${shown} ┤${line.join("")}`.trimEnd();
    }),
    `${" ".repeat(LABEL - 1)}└${"─".repeat(columns)}`,
    `${" ".repeat(LABEL)}1${`step ${steps}`.padStart(columns - 1)}`,
  ];
}
