import { Random } from "../../trainer/random.ts";

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
  const mean = (tests: readonly number[], subsets: readonly number[]) =>
    tests.reduce((sum, t) => {
      const pick = (values: number[]) => subsets.map((s) => values[s]!);
      return sum + spearman(pick(predicted[t]!), pick(truth[t]!));
    }, 0) / tests.length;
  const [tests, subsets] = [[...truth.keys()], [...truth[0]!.keys()]];
  const random = new Random(7);
  const draw = (items: readonly number[]) => items.map(() => items[Math.floor(random.uniform() * items.length)]!);
  const drawn = Array.from({ length: resamples }, () => mean(draw(tests), draw(subsets))).sort((a, b) => a - b);
  const round = (value: number) => Number(value.toFixed(4));
  return {
    value: round(mean(tests, subsets)),
    interval: [round(drawn[Math.floor(0.025 * resamples)]!), round(drawn[Math.ceil(0.975 * resamples) - 1]!)],
  };
}
