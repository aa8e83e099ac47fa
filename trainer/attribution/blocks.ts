import type { Matrix } from "../engine.ts";

/** From the first, up to and without the end. */
export type Span = readonly [from: number, end: number];

/** 0..length−1 in pieces of at most `size`. */
export function spans(length: number, size: number): Span[] {
  return Array.from({ length: Math.ceil(length / size) }, (_, n) => [n * size, Math.min((n + 1) * size, length)]);
}

/** A zero matrix whose memory threads share instead of copying it. */
export function sharedMatrix(rows: number, columns: number): Matrix {
  return { data: new Float32Array(new SharedArrayBuffer(4 * rows * columns)), shape: [rows, columns] };
}

/** Bytes of gradients that are read at a time, where whole rows are. */
export const ROW_BLOCK_BYTES = 1 << 26;
/** Columns of the gradient matrix, and rows at most, that one task takes. */
export const BLOCK = 4096;

/** The rows of a matrix in pieces of so many bytes. */
export const rowBlocks = ([count, width]: [number, number]): Span[] =>
  spans(count, Math.min(BLOCK, Math.max(1, Math.floor(ROW_BLOCK_BYTES / (4 * width)))));

/** Tasks given out at a time, which bounds the memory of what they take and answer. */
export const AHEAD = 4;

/**
 * Starts a few tasks at a time, and takes their results in the tasks' order.
 * @param start is told a number below AHEAD that no task under way has: for memory that tasks take in turn
 */
export async function inOrder<Task, Result>(
  tasks: readonly Task[],
  start: (task: Task, turn: number) => Promise<Result>,
  take: (result: Result, task: Task) => void,
): Promise<void> {
  const started: Promise<Result>[] = [];
  for (let n = 0; n < tasks.length; n++) {
    while (started.length < Math.min(n + AHEAD, tasks.length)) {
      const running = start(tasks[started.length]!, started.length % AHEAD);
      running.catch(() => {}); // thrown where it is awaited, if it is
      started.push(running);
    }
    take(await started[n]!, tasks[n]!);
    delete started[n]; // the result is not kept
  }
}
