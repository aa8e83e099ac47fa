import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { OpenLedgerError } from "../../sdk/errors.ts";

/** Kinds of iden3's binary files: constraint systems, Groth16 keys, powers of tau. */
export type BinaryType = "r1cs" | "zkey" | "ptau";

/** A section's content within its file, in bytes. */
export interface Section {
  readonly position: number;
  readonly size: number;
}

const HEADER = 12; // type, version, number of sections
const ENTRY = 12; // id, size

/**
 * Where the sections of a file are. Format: github.com/iden3/r1csfile, doc/r1cs_bin_format.md.
 * @throws OpenLedgerError `R1CS_FORMAT`, `ZKEY_FORMAT` or `PTAU_FORMAT` for a file of another type, one that is cut off, or one with
 *   a section twice or bytes beyond the last: what no reader looks at could be anything.
 */
export function sectionTable(path: string, type: BinaryType): Map<number, Section> {
  return withFile(path, (read, length) => {
    const wrong = (what: string) =>
      new OpenLedgerError(`${type.toUpperCase()}_FORMAT`, `${path} is no whole .${type} file: ${what}. Get it again.`);
    if (length < HEADER || read(0, 4).toString("latin1") !== type) throw wrong(`it does not start with "${type}"`);
    const table = new Map<number, Section>();
    let position = HEADER;
    for (let left = read(8, 4).readUInt32LE(); left > 0; left--) {
      if (position + ENTRY > length) throw wrong("it is cut off");
      const entry = read(position, ENTRY);
      const [id, size] = [entry.readUInt32LE(), Number(entry.readBigUInt64LE(4))];
      if (table.has(id)) throw wrong(`it has section ${id} twice`);
      table.set(id, { position: position + ENTRY, size });
      position += ENTRY + size;
    }
    if (position > length) throw wrong("it is cut off");
    if (position < length) throw wrong("bytes follow its last section");
    return table;
  });
}

/** The wanted sections' content: the rest of a large file is hundreds of megabytes. @throws as `sectionTable` */
export function readSections(path: string, type: BinaryType, ids: readonly number[]): Map<number, Buffer> {
  const table = sectionTable(path, type);
  return new Map(
    ids.map((id) => {
      const section = table.get(id);
      if (!section)
        throw new OpenLedgerError(
          `${type.toUpperCase()}_FORMAT`,
          `${path} has no section ${id}, so it is no .${type} file that this program can use. Make it again.`,
        );
      return [id, readBytes(path, section.position, section.size)];
    }),
  );
}

export function readBytes(path: string, position: number, size: number): Buffer {
  return withFile(path, (read) => read(position, size));
}

function withFile<T>(path: string, use: (read: (position: number, size: number) => Buffer, length: number) => T): T {
  const file = openSync(path, "r");
  try {
    const read = (position: number, size: number) => {
      const buffer = Buffer.alloc(size);
      readSync(file, buffer, 0, size, position);
      return buffer;
    };
    return use(read, fstatSync(file).size);
  } finally {
    closeSync(file);
  }
}
