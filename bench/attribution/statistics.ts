import { Random } from "../../trainer/random.ts";

export function sum(values: ArrayLike<number>): number {
  let total = 0;
  for (let i = 0; i < values.length; i++) total += values[i]!;
  return total;
}

export const mean = (values: ArrayLike<number>): number => sum(values) / values.length;

export function median(values: ArrayLike<number>): number {
  const sorted = Array.from(values).sort((a, b) => a - b);
  return (sorted[(sorted.length - 1) >> 1]! + sorted[sorted.length >> 1]!) / 2;
}

/** As results are written. */
export const rounded = (value: number): number => Number(value.toFixed(4));

function ranks(values: readonly number[]): number[] {
  const order = values.map((_, i) => i).sort((a, b) => values[a]! - values[b]!);
  const out: number[] = [];
  for (let from = 0; from < order.length; ) {
    let to = from;
    while (to < order.length && values[order[to]!] === values[order[from]!]) to++;
    for (let n = from; n < to; n++) out[order[n]!] = (from + to - 1) / 2;
    from = to;
  }
  return out;
}

/** Spearman's rank correlation; 0 where one side is constant. */
export function spearman(a: readonly number[], b: readonly number[]): number {
  const [x, y] = [ranks(a), ranks(b)];
  const mean = (a.length - 1) / 2;
  let [xy, xx, yy] = [0, 0, 0];
  x.forEach((rank, i) => {
    const [dx, dy] = [rank - mean, y[i]! - mean];
    xy += dx * dy;
    xx += dx * dx;
    yy += dy * dy;
  });
  return xx * yy === 0 ? 0 : xy / Math.sqrt(xx * yy);
}

export interface Estimate {
  value: number;
  /** 95 % percentile bootstrap over tests and subsets together. */
  interval: [number, number];
}

/** Linear datamodeling score: mean over tests of Spearman over subsets. Both [tests][subsets]. */
export function lds(predicted: number[][], truth: number[][], resamples = 100): Estimate {
  const average = (tests: readonly number[], subsets: readonly number[]) =>
    tests.reduce((sum, t) => {
      const pick = (values: number[]) => subsets.map((s) => values[s]!);
      return sum + spearman(pick(predicted[t]!), pick(truth[t]!));
    }, 0) / tests.length;
  const [tests, subsets] = [[...truth.keys()], [...truth[0]!.keys()]];
  const random = new Random(7);
  const draw = (items: readonly number[]) => items.map(() => items[Math.floor(random.uniform() * items.length)]!);
  const drawn = Array.from({ length: resamples }, () => average(draw(tests), draw(subsets))).sort((a, b) => a - b);
  return {
    value: rounded(average(tests, subsets)),
    interval: [rounded(drawn[Math.floor(0.025 * resamples)]!), rounded(drawn[Math.ceil(0.975 * resamples) - 1]!)],
  };
}
