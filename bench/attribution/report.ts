import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import path from "node:path";
import { mean, rounded } from "./statistics.ts";

export const RESULTS = path.join(import.meta.dirname, "../results");
export const CACHE = path.join(import.meta.dirname, "../../build/bench-attribution");
mkdirSync(CACHE, { recursive: true });

/** Float32 arrays kept on disk under a name, so that an interrupted bench goes on. */
export async function cached(name: string, make: () => Promise<Float32Array[]>): Promise<Float32Array[]> {
  const file = path.join(CACHE, name);
  if (existsSync(`${file}.json`)) {
    const lengths = JSON.parse(readFileSync(`${file}.json`, "utf8")) as number[];
    const data = new Float32Array(new Uint8Array(readFileSync(`${file}.f32`)).buffer);
    let at = 0;
    return lengths.map((length) => data.subarray(at, (at += length)));
  }
  const arrays = await make();
  writeFileSync(`${file}.f32`, Buffer.concat(arrays.map((a) => Buffer.from(a.buffer, a.byteOffset, a.byteLength))));
  writeFileSync(`${file}.part`, JSON.stringify(arrays.map(({ length }) => length)));
  renameSync(`${file}.part`, `${file}.json`);
  return arrays;
}

/** A bar on standard error: `done` of `total` with the seconds so far. */
export function progress(what: string, total: number): (done: number) => void {
  const started = performance.now();
  return (done) => {
    const bar = "█".repeat(Math.round((20 * done) / total)).padEnd(20, "░");
    const end = process.stderr.isTTY && done < total ? "\r" : "\n";
    process.stderr.write(
      `${what} ${bar} ${done}/${total}, ${((performance.now() - started) / 1000).toFixed(0)} s${end}`,
    );
  };
}

export function writeResult(name: string, result: unknown): void {
  writeFileSync(path.join(RESULTS, `attribution-${name}.json`), `${JSON.stringify(result, null, 1)}\n`);
}

/** Mean, lowest and highest of each figure over its runs. */
export const ranges = (lines: Record<string, Record<string, number[]>>) =>
  mapped(lines, (line) =>
    mapped(line, (values) => ({
      mean: rounded(mean(values)),
      lowest: rounded(Math.min(...values)),
      highest: rounded(Math.max(...values)),
    })),
  );

export const mapped = <T, U>(of: Record<string, T>, change: (value: T, name: string) => U): Record<string, U> =>
  Object.fromEntries(Object.entries(of).map(([name, value]) => [name, change(value, name)]));

/** What a part of the bench wrote, as it is in the repository. */
export const readResult = (name: string) =>
  JSON.parse(readFileSync(path.join(RESULTS, `attribution-${name}.json`), "utf8"));

export interface Bar {
  label: string;
  value: number;
  interval?: [number, number];
}

/** Horizontal bars with their intervals as SVG. */
export function writeBars(name: string, title: string, bars: readonly Bar[]): void {
  const left = Math.max(260, 6.5 * Math.max(...bars.map(({ label }) => label.length)));
  const [width, row] = [380, 22];
  const ends = bars.flatMap(({ value, interval }) => [value, ...(interval ?? [])]);
  const [low, high] = [Math.min(0, ...ends), Math.max(...ends)];
  const x = (value: number) => (left + ((value - low) / (high - low)) * width).toFixed(1);
  const lines = bars.map(({ label, value, interval }, n) => {
    const y = 40 + n * row;
    const [from, to] = [Math.min(value, 0), Math.max(value, 0)];
    return [
      `<text x="${left - 8}" y="${y + 12}" text-anchor="end">${label}</text>`,
      `<rect x="${x(from)}" y="${y}" width="${Number(x(to)) - Number(x(from))}" height="14" fill="#4c78a8"/>`,
      interval && `<line x1="${x(interval[0])}" x2="${x(interval[1])}" y1="${y + 7}" y2="${y + 7}" stroke="#222"/>`,
      `<text x="${left + width + 8}" y="${y + 12}">${value.toFixed(3)}</text>`,
    ].join("");
  });
  const height = 50 + bars.length * row;
  writeFileSync(
    path.join(RESULTS, `attribution-${name}.svg`),
    `<svg xmlns="http://www.w3.org/2000/svg" width="${left + width + 70}" height="${height}" font-family="sans-serif" font-size="12"><rect width="100%" height="100%" fill="#fff"/><text x="10" y="22" font-size="14">${title}</text>${lines.join("\n")}</svg>\n`,
  );
}

export interface Panel {
  title: string;
  /** Places along the axis, evenly apart. */
  ticks: readonly string[];
  /** By name, a value for each place; those that were not measured are left out. */
  lines: Record<string, readonly (Pick<Bar, "value" | "interval"> | undefined)[]>;
}

const COLOURS = ["#4c78a8", "#f58518", "#54a24b", "#e45756", "#72b7b2", "#b279a2", "#9d755d", "#999999"];

/** Panels of lines between 0 and 1, two in a row, as SVG; a line has the same colour in all of them. */
export function writeLines(name: string, title: string, panels: readonly Panel[]): void {
  const [width, height, left, top] = [360, 220, 50, 70];
  const names = [...new Set(panels.flatMap(({ lines }) => Object.keys(lines)))];
  const colour = (line: string) => COLOURS[names.indexOf(line) % COLOURS.length]!;
  const drawn = panels.map(({ title, ticks, lines }, n) => {
    const [x0, y0] = [left + (n % 2) * (width + 60), top + Math.floor(n / 2) * (height + 70)];
    const x = (at: number) => (x0 + ((at + 0.5) / ticks.length) * width).toFixed(1);
    const y = (value: number) => (y0 + (1 - value) * height).toFixed(1);
    const grid = [0, 0.25, 0.5, 0.75, 1].map(
      (value) =>
        `<line x1="${x0}" x2="${x0 + width}" y1="${y(value)}" y2="${y(value)}" stroke="#ddd"/><text x="${x0 - 6}" y="${Number(y(value)) + 4}" text-anchor="end">${value}</text>`,
    );
    const marks = ticks.map(
      (tick, at) => `<text x="${x(at)}" y="${y0 + height + 16}" text-anchor="middle">${tick}</text>`,
    );
    const curves = Object.entries(lines).map(([line, points]) => {
      const there = points.flatMap((point, at) => (point ? [{ ...point, at }] : []));
      const path = there.map(({ at, value }) => `${x(at)},${y(value)}`).join(" ");
      const dots = there.map(({ at, value, interval }) => {
        const [from, to] = interval ?? [value, value];
        return `<circle cx="${x(at)}" cy="${y(value)}" r="3"/><line x1="${x(at)}" x2="${x(at)}" y1="${y(from)}" y2="${y(to)}" stroke="${colour(line)}" opacity="0.5"/>`;
      });
      return `<g fill="${colour(line)}"><polyline points="${path}" fill="none" stroke="${colour(line)}" stroke-width="2"/>${dots.join("")}</g>`;
    });
    return `<text x="${x0}" y="${y0 - 10}" font-size="13">${title}</text>${[...grid, ...marks, ...curves].join("")}`;
  });
  const bottom = top + Math.ceil(panels.length / 2) * (height + 70);
  const legend = names.map((line, n) => {
    const y = bottom + n * 20;
    return `<rect x="${left}" y="${y - 10}" width="14" height="10" fill="${colour(line)}"/><text x="${left + 22}" y="${y}">${line}</text>`;
  });
  const size = `width="${left + 2 * width + 90}" height="${bottom + names.length * 20 + 10}"`;
  writeFileSync(
    path.join(RESULTS, `attribution-${name}.svg`),
    `<svg xmlns="http://www.w3.org/2000/svg" ${size} font-family="sans-serif" font-size="12"><rect width="100%" height="100%" fill="#fff"/><text x="10" y="24" font-size="14">${title}</text>${[...drawn, ...legend].join("\n")}</svg>\n`,
  );
}
