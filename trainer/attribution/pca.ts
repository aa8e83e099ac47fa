import { Matrix as DenseMatrix, EigenvalueDecomposition } from "ml-matrix";
import type { Matrix } from "../engine.ts";
import type { Pool } from "../pool.ts";
import { Random } from "../random.ts";
import { AHEAD, BLOCK, inOrder, rowBlocks, type Span, sharedMatrix, spans } from "./blocks.ts";
import type { StoredGradients } from "./gradient-rows.ts";

/** Principal components of the rows' gradients, not centred, largest first. */
export interface Components {
  /** Eigenvalues μ of gᵀ·g. */
  values: number[];
  /** Sum of all eigenvalues, those that were not computed too. */
  total: number;
  /**
   * The first `kept` components: their directions [P, columns], of length 1, and the coordinates of the rows along them
   * [N, columns]. Columns beyond them are zero.
   */
  along(kept: number, columns: number): Promise<{ directions: Matrix; coordinates: Matrix }>;
}

/** All components exactly, from the N×N Gram matrix: for N so small that its decomposition is cheap. */
export async function gramComponents(pool: Pool, gradients: StoredGradients): Promise<Components> {
  const [count, width] = gradients.shape;
  const gram = new Float64Array(count * count);
  await inOrder(
    columnBlocks(width),
    ([first, last]) => {
      const block = gradients.block(0, count, first, last);
      return pool.run("product", { a: block, b: block, transposeA: false, transposeB: true });
    },
    (part) => add(gram, part),
  );
  const { values, vectors } = eigen(gram, count);
  return {
    values,
    total: values.reduce((sum, value) => sum + value, 0),
    async along(kept, k) {
      // Direction j is gᵀ·u_j/√μ_j, and the coordinates along it are u_j·√μ_j.
      const [coefficients, coordinates] = [sharedMatrix(count, k), sharedMatrix(count, k)];
      for (let j = 0; j < kept; j++) {
        const root = Math.sqrt(values[j]!);
        for (let i = 0; i < count; i++) {
          if (gram[i * count + i] === 0) continue; // an unusable row: its vector entries are rounding noise
          coefficients.data[i * k + j] = vectors.get(i, j) / root;
          coordinates.data[i * k + j] = vectors.get(i, j) * root;
        }
      }
      const directions = sharedMatrix(width, k);
      await inOrder(
        columnBlocks(width),
        ([first, last]) => {
          const block = gradients.block(0, count, first, last);
          return pool.run("product", { a: block, b: coefficients, transposeA: true, transposeB: false });
        },
        (part, [first]) => directions.data.set(part, first * k),
      );
      return { directions, coordinates };
    },
  };
}

/** More columns than asked for, and rounds: what makes the last of those asked for good too (Halko, Martinsson, Tropp 2011). */
const OVERSAMPLED = 64;
const ROUNDS = 3;

/**
 * The first components, by randomized subspace iteration: the gradients are read a block of rows at a time, twice a round, and
 * memory is that of [N, k] and [P, k] matrices. The start is seeded, so the same gradients give the same components.
 */
export async function randomizedComponents(pool: Pool, gradients: StoredGradients, k: number): Promise<Components> {
  const [count, width] = gradients.shape;
  const columns = Math.min(count, width, k + OVERSAMPLED);
  const coordinates = sharedMatrix(count, columns);
  const directions = sharedMatrix(width, columns);
  const random = new Random(1);
  for (let i = 0; i < coordinates.data.length; i++) coordinates.data[i] = random.normal();
  for (let round = 0; round < ROUNDS; round++) {
    if (round > 0) await orthonormalise(pool, coordinates);
    await combineRows(pool, gradients, coordinates, directions);
    await orthonormalise(pool, directions);
    await projectRows(pool, gradients, directions, coordinates);
  }
  const { values, vectors } = eigen(await innerProducts(pool, coordinates), columns);
  return {
    values,
    total: energyOf(gradients),
    async along(kept, k) {
      const turn = sharedMatrix(columns, k);
      for (let j = 0; j < kept; j++) for (let i = 0; i < columns; i++) turn.data[i * k + j] = vectors.get(i, j);
      return { directions: await times(pool, directions, turn), coordinates: await times(pool, coordinates, turn) };
    },
  };
}

/** Directions that the search for a large one that was left out starts from, and its rounds. */
const [SEARCHED, SEARCH_ROUNDS] = [8, 3];

/**
 * The largest eigenvalue λ of (1/N)·gᵀ·g outside the first `kept` columns of a basis whose columns are orthonormal, from
 * below: by subspace iteration from random directions.
 */
export async function largestResidual(
  pool: Pool,
  gradients: StoredGradients,
  basis: Matrix,
  kept: number,
): Promise<number> {
  const [count, width] = gradients.shape;
  const [, k] = basis.shape;
  const directions = sharedMatrix(width, SEARCHED);
  const coordinates = sharedMatrix(count, SEARCHED);
  const random = new Random(1);
  for (let i = 0; i < directions.data.length; i++) directions.data[i] = random.normal();
  /** x − U·(Uᵀ·x) */
  const leave = async () => {
    const inside = await pool.run("product", { a: basis, b: directions, transposeA: true, transposeB: false });
    const share = sharedMatrix(k, SEARCHED);
    share.data.set(inside.subarray(0, kept * SEARCHED));
    const part = (await times(pool, basis, share)).data;
    for (let i = 0; i < part.length; i++) directions.data[i]! -= part[i]!;
  };
  let largest = 0;
  for (let round = 0; round < SEARCH_ROUNDS; round++) {
    if (round > 0) await combineRows(pool, gradients, coordinates, directions);
    await leave();
    await orthonormalise(pool, directions);
    await leave(); // where next to nothing was left, that was rounding, of which a part still lay in the basis
    await projectRows(pool, gradients, directions, coordinates);
    largest = eigen(await innerProducts(pool, coordinates), SEARCHED).values[0]! / count;
  }
  return largest;
}

/** g·q [N, l] into `to`. */
export async function projectRows(pool: Pool, gradients: StoredGradients, q: Matrix, to: Matrix): Promise<void> {
  const [, columns] = to.shape;
  const blocks = rowBlocks(gradients.shape);
  const memory = inTurn((blocks[0]?.[1] ?? 0) * gradients.shape[1]);
  await inOrder(
    blocks,
    ([from, end], turn) => {
      const a = gradients.block(from, end, undefined, undefined, memory[turn]);
      return pool.run("product", { a, b: q, transposeA: false, transposeB: false });
    },
    (part, [from]) => to.data.set(part, from * columns),
  );
}

/** Memory for so many floats, for each task of inOrder that is under way. */
const inTurn = (length: number) => Array.from({ length: AHEAD }, () => sharedMatrix(1, length).data);

/** gᵀ·b [P, l] into `to`. */
async function combineRows(pool: Pool, gradients: StoredGradients, b: Matrix, to: Matrix): Promise<void> {
  const [, columns] = b.shape;
  to.data.fill(0);
  const blocks = rowBlocks(gradients.shape);
  const tiles = blocks.flatMap((rows) => columnBlocks(gradients.shape[1]).map((block) => [rows, block] as const));
  const memory = inTurn((blocks[0]?.[1] ?? 0) * Math.min(BLOCK, gradients.shape[1]));
  await inOrder(
    tiles,
    ([[from, end], [first, last]], turn) => {
      const part = { data: b.data.subarray(from * columns, end * columns), shape: [end - from, columns] } as Matrix;
      const block = gradients.block(from, end, first, last, memory[turn]);
      return pool.run("product", { a: block, b: part, transposeA: true, transposeB: false });
    },
    (part, [, [first, last]]) => add(to.data.subarray(first * columns, last * columns), part),
  );
}

/** Share of the largest below which a column says nothing: float32 noise of the inner products. */
const DEPENDENT = 1e-7;

/** Makes the columns of a tall matrix orthonormal, in place; those that depend on the others become zero. */
async function orthonormalise(pool: Pool, matrix: Matrix): Promise<void> {
  const [, columns] = matrix.shape;
  for (let round = 0; round < 2; round++) {
    // The second time there is next to nothing left to do, and it is exact.
    const { values, vectors } = eigen(await innerProducts(pool, matrix), columns);
    const turn = sharedMatrix(columns, columns);
    values.forEach((value, j) => {
      if (value <= DEPENDENT * values[0]!) return;
      for (let i = 0; i < columns; i++) turn.data[i * columns + j] = vectors.get(i, j) / Math.sqrt(value);
    });
    matrix.data.set((await times(pool, matrix, turn)).data);
  }
}

/** mᵀ·m of a tall matrix, summed over row blocks in order, in double precision. */
export async function innerProducts(pool: Pool, matrix: Matrix): Promise<Float64Array> {
  const sum = new Float64Array(matrix.shape[1] ** 2);
  await inOrder(
    rowBlocks(matrix.shape),
    (block) => {
      const rows = rowsOf(matrix, block);
      return pool.run("product", { a: rows, b: rows, transposeA: true, transposeB: false });
    },
    (part) => add(sum, part),
  );
  return sum;
}

/** m·t of a tall matrix m and a small t. */
async function times(pool: Pool, matrix: Matrix, turn: Matrix): Promise<Matrix> {
  const out = sharedMatrix(matrix.shape[0], turn.shape[1]);
  await inOrder(
    rowBlocks(matrix.shape),
    (block) => pool.run("product", { a: rowsOf(matrix, block), b: turn, transposeA: false, transposeB: false }),
    (part, [from]) => out.data.set(part, from * turn.shape[1]),
  );
  return out;
}

function rowsOf({ data, shape: [, columns] }: Matrix, [from, end]: Span): Matrix {
  return { data: data.subarray(from * columns, end * columns), shape: [end - from, columns] };
}

/** Σ |g|². */
export function energyOf(gradients: StoredGradients): number {
  let sum = 0;
  gradients.each((gradient) => {
    for (const value of gradient) sum += value * value;
  });
  return sum;
}

const columnBlocks = (width: number) => spans(width, BLOCK);

function add(to: Float32Array | Float64Array, part: Float32Array): void {
  for (let i = 0; i < to.length; i++) to[i]! += part[i]!;
}

/** Eigenvalues in falling order, negative rounding errors as 0, and the matrix whose columns are their vectors. */
function eigen(gram: Float64Array, count: number): { values: number[]; vectors: DenseMatrix } {
  const matrix = DenseMatrix.from1DArray(count, count, gram);
  const { realEigenvalues, eigenvectorMatrix } = new EigenvalueDecomposition(matrix, { assumeSymmetric: true });
  const order = realEigenvalues.map((_, i) => i).sort((a, b) => realEigenvalues[b]! - realEigenvalues[a]!);
  return {
    values: order.map((i) => Math.max(realEigenvalues[i]!, 0)),
    vectors: eigenvectorMatrix.subMatrixColumn(order),
  };
}
