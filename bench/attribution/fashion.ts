import { existsSync, readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";

const FOLDER = "/usr/share/datasets/fashion-mnist";
export const PIXELS = 784;
export const CLASSES = 10;

/** Images [count, 784] in 0..1 and their classes. */
export interface Images {
  pixels: Float32Array;
  labels: Uint8Array;
  count: number;
}

/** The first images of Debian's Fashion-MNIST, or undefined where the package is not installed. */
export function fashion(part: "train" | "t10k", count: number): Images | undefined {
  if (!existsSync(FOLDER)) return undefined;
  const read = (name: string, header: number) =>
    gunzipSync(readFileSync(`${FOLDER}/${part}-${name}-ubyte.gz`)).subarray(header);
  return {
    pixels: Float32Array.from(read("images-idx3", 16).subarray(0, count * PIXELS), (byte) => byte / 255),
    labels: Uint8Array.from(read("labels-idx1", 8).subarray(0, count)),
    count,
  };
}
