/** The share of the tokens of both that stand in both in the same order: twice the longest common subsequence over both lengths. */
export function sharedInOrder(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let [before, here] = [new Uint16Array(b.length + 1), new Uint16Array(b.length + 1)];
  for (let i = 0; i < a.length; i++) {
    for (let j = 0; j < b.length; j++)
      here[j + 1] = a[i] === b[j] ? before[j]! + 1 : Math.max(before[j + 1]!, here[j]!);
    [before, here] = [here, before];
  }
  return (2 * before[b.length]!) / (a.length + b.length);
}
