import type { ConstraintSystem, Terms } from "../../circuits/setup/r1cs.ts";
import { FIELD } from "../../sdk/hash.ts";

/*
 * Which signals the constraints A·B = C leave no choice about, given some of them. Three rules, each true of every
 * witness, whatever its values:
 *
 * - product: A and B hold known signals only, and C one unknown signal: it is (A·B − the rest) / its coefficient.
 * - range:   L·(L − 1) = 0 says L ∈ {0, 1}. If all signals of L but one have a range, and that one a coefficient of ±1,
 *            it has a range too.
 * - digits:  a sum of unknown signals is known, each has a range, and the coefficients are superincreasing: each is
 *            larger than what all smaller ones can add up to, and all together stay below r. Then every one of them is
 *            determined, as the digits of a number are.
 */

type Rule = "product" | "digits";

export interface Determined {
  /** Signals that each rule settled. */
  readonly by: Record<Rule, number>;
  /** Signals found to lie in a range on the way. */
  readonly ranged: number;
  /** Signals that may still take more than one value. */
  readonly free: number[];
}

type Linear = Map<number, bigint>;
type Digit = { coefficient: bigint; width: bigint };

const centred = (value: bigint): bigint => (2n * value > FIELD ? value - FIELD : value);
const absolute = (value: bigint): bigint => (value < 0n ? -value : value);

/** Signal 0, the constant 1, is known as well. */
export function determined(system: ConstraintSystem, given: readonly number[], leftOut = -1): Determined {
  const known = new Uint8Array(system.signals);
  const ranges = new Map<number, [bigint, bigint]>();
  const by: Record<Rule, number> = { product: 0, digits: 0 };
  const linear = (terms: Terms, c: number): Linear => {
    const found: Linear = new Map();
    for (let i = terms.start[c]!; i < terms.start[c + 1]!; i++) found.set(terms.signal[i]!, centred(terms.value[i]!));
    return found;
  };
  const constraints = Array.from({ length: system.constraints }, (_, c) => ({
    a: linear(system.a, c),
    b: linear(system.b, c),
    c: linear(system.c, c),
  }));
  const touching = Array.from({ length: system.signals }, () => [] as number[]);
  for (const [i, { a, b, c }] of constraints.entries())
    for (const signal of new Set([...a.keys(), ...b.keys(), ...c.keys()])) touching[signal]!.push(i);

  const queue = constraints.map((_, i) => i);
  const queued = new Uint8Array(system.constraints).fill(1);
  const again = (signal: number) => {
    for (const i of touching[signal]!)
      if (!queued[i]) {
        queued[i] = 1;
        queue.push(i);
      }
  };
  const settle = (signal: number, rule?: Rule) => {
    known[signal] = 1;
    if (rule) by[rule]++;
    again(signal);
  };
  const unknown = (terms: Linear) => [...terms.keys()].filter((signal) => !known[signal]);

  /** Whether Σ coefficient·digit, once known, leaves no choice of digits. */
  const unique = (digits: Digit[]): boolean => {
    let reach = 0n;
    for (const { coefficient, width } of digits.toSorted((a, b) => (a.coefficient < b.coefficient ? -1 : 1))) {
      if (coefficient <= reach) return false;
      reach += coefficient * width;
    }
    return reach < FIELD;
  };
  const settleDigits = (terms: Linear, more: Digit[]) => {
    const signals = unknown(terms);
    if (signals.length === 0 || signals.some((signal) => !ranges.has(signal))) return;
    const digits = signals.map((signal) => {
      const [low, high] = ranges.get(signal)!;
      return { coefficient: absolute(terms.get(signal)!), width: high - low };
    });
    if (unique([...digits, ...more])) for (const signal of signals) settle(signal, "digits");
  };

  /** For L ∈ {0, 1}. */
  const settleRange = (terms: Linear) => {
    const loose = unknown(terms).filter((signal) => !ranges.has(signal));
    const [signal] = loose;
    if (loose.length === 1 && absolute(terms.get(signal!)!) === 1n && [...terms.keys()].every(bounded(signal!))) {
      let [low, high] = [0n, 1n];
      for (const [other, coefficient] of terms) {
        if (other === signal) continue;
        const [from, to] = other === 0 ? [1n, 1n] : ranges.get(other)!;
        low -= coefficient * (coefficient > 0n ? to : from);
        high -= coefficient * (coefficient > 0n ? from : to);
      }
      ranges.set(signal!, terms.get(signal!)! > 0n ? [low, high] : [-high, -low]);
      again(signal!);
    }
    settleDigits(terms, [{ coefficient: 1n, width: 1n }]);
  };
  const bounded = (signal: number) => (other: number) => other === signal || other === 0 || ranges.has(other);

  known[0] = 1;
  for (const signal of given) settle(signal);
  while (queue.length > 0) {
    const i = queue.pop()!;
    queued[i] = 0;
    if (i === leftOut) continue;
    const { a, b, c } = constraints[i]!;
    const bit = c.size === 0 ? zeroOrOne(a, b) : undefined;
    if (bit) settleRange(bit);
    if (unknown(a).length > 0 || unknown(b).length > 0) continue;
    const [signal, ...others] = unknown(c);
    if (signal === undefined) continue;
    if (others.length === 0) settle(signal, "product");
    else settleDigits(c, []);
  }
  const free = Array.from(known.keys()).filter((signal) => !known[signal]);
  return { by, ranged: ranges.size, free };
}

/** L, where a·b = 0 reads L·(L − 1) = 0. */
function zeroOrOne(a: Linear, b: Linear): Linear | undefined {
  const difference = new Map(a);
  for (const [signal, coefficient] of b) {
    const left = (difference.get(signal) ?? 0n) - coefficient;
    if (left === 0n) difference.delete(signal);
    else difference.set(signal, left);
  }
  if (difference.size !== 1) return undefined;
  return { "-1": b, "1": a }[String(difference.get(0))];
}
