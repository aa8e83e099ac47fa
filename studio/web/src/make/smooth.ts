/**
 * Exponential moving average of a noisy series, about `span` values wide.
 * The average starts at nothing, so each value is divided by the weight that it has gathered so far.
 */
export function smoothed(values: readonly number[], span: number): number[] {
  const keep = 1 - 2 / (span + 1);
  let sum = 0;
  let weight = 0;
  return values.map((value) => {
    sum = keep * sum + value;
    weight = keep * weight + 1;
    return sum / weight;
  });
}
