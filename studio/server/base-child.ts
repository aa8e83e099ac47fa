import { loadBase } from "../../trainer/base.ts";
import { weightShapes } from "../../trainer/config.ts";
import { encodeBase } from "../../trainer/gguf.ts";
import { answer } from "./apart.ts";

// Reads a base whole: that it can be trained and served, and what it is.
answer(async ({ folder }: { folder: string }) => {
  const base = loadBase(folder);
  encodeBase(base);
  const parameters = [...weightShapes(base.config).values()].reduce(
    (sum, shape) => sum + shape.reduce((product, size) => product * size, 1),
    0,
  );
  return { name: base.name, hash: base.hash, parameters, context: base.config.context };
});
