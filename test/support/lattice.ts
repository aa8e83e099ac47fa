/*
 * Lattice reduction in exact integers, for attackers who know a challenge before they choose small numbers. Source:
 * Lenstra, Lenstra, Lovász 1982, in the fraction-free form of Cohen, A Course in Computational Algebraic Number Theory,
 * algorithm 2.6.7; nearest plane of Babai 1986.
 */

type Vector = bigint[];

const dot = (a: Vector, b: Vector): bigint => a.reduce((sum, value, i) => sum + value * b[i]!, 0n);

/** ⌊a/b⌉ for b > 0. */
function round(a: bigint, b: bigint): bigint {
  const twice = 2n * a + b;
  const quotient = twice / (2n * b);
  return twice < 0n && quotient * 2n * b !== twice ? quotient - 1n : quotient;
}

/** Reduces a basis in place, with δ = 3/4. */
export function reduce(basis: Vector[]): Vector[] {
  const n = basis.length;
  const d: bigint[] = [1n, ...Array<bigint>(n).fill(0n)]; // d[i + 1] = Gram determinant of the first i + 1 vectors
  const l: bigint[][] = Array.from({ length: n }, () => Array<bigint>(n).fill(0n)); // d[j + 1]·μ_ij

  const gram = (k: number) => {
    for (let j = 0; j <= k; j++) {
      let u = dot(basis[k]!, basis[j]!);
      for (let i = 0; i < j; i++) u = (d[i + 1]! * u - l[k]![i]! * l[j]![i]!) / d[i]!;
      if (j < k) l[k]![j] = u;
      else d[k + 1] = u;
    }
  };
  const shorten = (k: number, j: number) => {
    const q = round(l[k]![j]!, d[j + 1]!);
    if (q === 0n) return;
    basis[k] = basis[k]!.map((value, i) => value - q * basis[j]![i]!);
    l[k]![j] = l[k]![j]! - q * d[j + 1]!;
    for (let i = 0; i < j; i++) l[k]![i] = l[k]![i]! - q * l[j]![i]!;
  };

  gram(0);
  for (let k = 1, known = 0; k < n; ) {
    if (k > known) gram((known = k));
    shorten(k, k - 1);
    const mu = l[k]![k - 1]!;
    if (4n * (d[k + 1]! * d[k - 1]! + mu * mu) >= 3n * d[k]! * d[k]!) {
      for (let j = k - 2; j >= 0; j--) shorten(k, j);
      k++;
      continue;
    }
    [basis[k], basis[k - 1]] = [basis[k - 1]!, basis[k]!];
    for (let j = 0; j < k - 1; j++) [l[k]![j], l[k - 1]![j]] = [l[k - 1]![j]!, l[k]![j]!];
    const swapped = (d[k - 1]! * d[k + 1]! + mu * mu) / d[k]!;
    for (let i = k + 1; i <= known; i++) {
      const t = l[i]![k]!;
      l[i]![k] = (d[k + 1]! * l[i]![k - 1]! - mu * t) / d[k]!;
      l[i]![k - 1] = (swapped * t + mu * l[i]![k]!) / d[k + 1]!;
    }
    d[k] = swapped;
    k = Math.max(1, k - 1);
  }
  return basis;
}

/** A vector of the lattice near `target`: Babai's rounding, one reduced vector after the other. */
function near(basis: Vector[], target: Vector): Vector {
  let rest = target.map((value) => value);
  // Gram-Schmidt in fixed point, with more bits after the point than a target has before it.
  const scale = 1n << 400n;
  const orthogonal: Vector[] = [];
  for (const vector of basis) {
    const scaled = vector.map((value) => value * scale);
    for (const other of orthogonal) {
      const mu = (dot(scaled, other) * scale) / dot(other, other);
      for (let i = 0; i < scaled.length; i++) scaled[i] = scaled[i]! - (mu * other[i]!) / scale;
    }
    orthogonal.push(scaled);
  }
  for (let k = basis.length - 1; k >= 0; k--) {
    const star = orthogonal[k]!;
    const q = round(dot(rest, star) * scale, dot(star, star));
    rest = rest.map((value, i) => value - q * basis[k]![i]!);
  }
  return target.map((value, i) => value - rest[i]!);
}

/** Integers near `target` with Σ v_i·weight_i ≡ value (mod modulus). They miss it by about modulus^(1/n). */
export function nearbyWith(value: bigint, weights: Vector, modulus: bigint, target: Vector): Vector {
  const n = weights.length;
  const mod = (a: bigint) => ((a % modulus) + modulus) % modulus;
  let inverse = 1n; // of weights[0], by Fermat
  for (let base = mod(weights[0]!), e = modulus - 2n; e > 0n; e >>= 1n, base = mod(base * base))
    if (e & 1n) inverse = mod(inverse * base);
  // One solution, and the lattice of differences between solutions.
  const one = [mod(value * inverse), ...Array<bigint>(n - 1).fill(0n)];
  const basis = weights.map((weight, i) =>
    weights.map((_, j) => (i === 0 ? (j === 0 ? modulus : 0n) : j === 0 ? mod(-weight * inverse) : j === i ? 1n : 0n)),
  );
  const difference = near(
    reduce(basis),
    target.map((entry, i) => entry - one[i]!),
  );
  return one.map((entry, i) => entry + difference[i]!);
}
