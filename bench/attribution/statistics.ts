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

/** Pearson's correlation; 0 where one side is constant. */
export function pearson(a: readonly number[], b: readonly number[]): number {
  const [meanA, meanB] = [mean(a), mean(b)];
  let [ab, aa, bb] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    const [x, y] = [a[i]! - meanA, b[i]! - meanB];
    ab += x * y;
    aa += x * x;
    bb += y * y;
  }
  return aa * bb === 0 ? 0 : ab / Math.sqrt(aa * bb);
}

/** Spearman's rank correlation; 0 where one side is constant. */
export const spearman = (a: readonly number[], b: readonly number[]): number =>
  repeatedSpearman(ordered(a), ordered(b), new Uint16Array(a.length).fill(1));

/** How often one of the wanted is above one of the others; half of the times that they are equal. */
export function auc(wanted: ArrayLike<number>, others: ArrayLike<number>): number {
  let above = 0;
  for (let i = 0; i < wanted.length; i++)
    for (let j = 0; j < others.length; j++) above += (Math.sign(wanted[i]! - others[j]!) + 1) / 2;
  return above / (wanted.length * others.length);
}

export interface Estimate {
  value: number;
  /** 95 % percentile bootstrap over tests and subsets together. */
  interval: [number, number];
}

/** Linear datamodeling score: mean over tests of Spearman over subsets. Both [tests][subsets]. */
export function lds(predicted: number[][], truth: number[][], resamples = 100): Estimate {
  const [tests, subsets] = [[...truth.keys()], [...truth[0]!.keys()]];
  const sides = tests.map((t) => [ordered(predicted[t]!), ordered(truth[t]!)] as const);
  const average = (of: readonly number[], counts: Uint16Array) =>
    mean(of.map((t) => repeatedSpearman(sides[t]![0], sides[t]![1], counts)));
  const random = new Random(7);
  const draw = (items: readonly number[]) => items.map(() => items[Math.floor(random.uniform() * items.length)]!);
  const drawn = Array.from({ length: resamples }, () => average(draw(tests), times(draw(subsets), subsets.length)));
  return {
    value: rounded(average(tests, times(subsets, subsets.length))),
    interval: middle(drawn),
  };
}

const times = (items: readonly number[], length: number): Uint16Array => {
  const counts = new Uint16Array(length);
  for (const item of items) counts[item]!++;
  return counts;
};

/** The 95 % in the middle. */
function middle(values: readonly number[]): [number, number] {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (place: number) => rounded(sorted[place]!);
  return [at(Math.floor(0.025 * sorted.length)), at(Math.ceil(0.975 * sorted.length) - 1)];
}

/** A figure over items, with its interval over items drawn again. */
export function interval<T>(items: readonly T[], figure: (items: T[]) => number, resamples = 200): Estimate {
  const random = new Random(8);
  const draw = () => figure(items.map(() => items[Math.floor(random.uniform() * items.length)]!));
  return { value: rounded(figure([...items])), interval: middle(Array.from({ length: resamples }, draw)) };
}

type Ordered = { values: readonly number[]; order: readonly number[] };
const ordered = (values: readonly number[]): Ordered => ({
  values,
  order: values.map((_, i) => i).sort((a, b) => values[a]! - values[b]!),
});

/** Spearman's correlation where item i stands counts[i] times: bootstrap without sorting anew. */
function repeatedSpearman(a: Ordered, b: Ordered, counts: Uint16Array): number {
  const [x, y] = [repeatedRanks(a, counts), repeatedRanks(b, counts)];
  let [xy, xx, yy] = [0, 0, 0];
  for (let i = 0; i < counts.length; i++) {
    xy += counts[i]! * x[i]! * y[i]!;
    xx += counts[i]! * x[i]! * x[i]!;
    yy += counts[i]! * y[i]! * y[i]!;
  }
  return xx * yy === 0 ? 0 : xy / Math.sqrt(xx * yy);
}

/** Ranks about their mean; equals share theirs. */
function repeatedRanks({ values, order }: Ordered, counts: Uint16Array): Float64Array {
  const out = new Float64Array(order.length);
  const total = sum(counts);
  let before = 0;
  for (let from = 0; from < order.length; ) {
    let [to, here] = [from, 0];
    for (; to < order.length && values[order[to]!] === values[order[from]!]; to++) here += counts[order[to]!]!;
    for (let n = from; n < to; n++) out[order[n]!] = before + (here - total) / 2;
    before += here;
    from = to;
  }
  return out;
}
