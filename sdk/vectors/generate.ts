/** Writes the vectors that need no proof next to this file: `node sdk/vectors/generate.ts`. */
import { encodings } from "./encodings.ts";
import { write } from "./write.ts";

for (const [name, value] of Object.entries(encodings)) write(name, value);
