import { OpenLedgerError } from "../../../sdk/errors.ts";
import { cutRows, encodeContribution, type Row, rowHash } from "../../../sdk/rows.ts";

/** Largest contribution that the Studio stores, in bytes of its file. */
export const MAX_CONTRIBUTION = 16 * 2 ** 20;

export type SourceFile = { path: string; bytes: Uint8Array };

/** What is wrong with a file, in words; a file with `refused` gives no rows. */
export type Problem = { path: string; name: string; text: string; refused: boolean };

/** A row as it would be contributed; `copyOf` says where the same text stands already: here, or in which contribution. */
export type DraftRow = Row & { bytes: number; copyOf?: "here" | bigint };

const utf8 = new TextEncoder();
/** "1 row is", "2 rows are". */
const are = (count: number, word: string): string => (count === 1 ? `1 ${word} is` : `${count} ${word}s are`);

/**
 * Cuts files into rows and names what is wrong with them.
 * @param accepted Row hashes of accepted contributions, and whose they are.
 */
export function draftOf(files: SourceFile[], accepted: Map<string, bigint>): { rows: DraftRow[]; problems: Problem[] } {
  const rows: DraftRow[] = [];
  const problems: Problem[] = [];
  const here = new Set<string>();
  for (const { path, bytes } of files) {
    const found = (name: string, text: string, refused = false) => problems.push({ path, name, text, refused });
    try {
      const cut = cutRows(path, bytes);
      const own = cut.rows.map((row): DraftRow => {
        const hash = rowHash(row.text);
        const copyOf = accepted.get(hash) ?? (here.has(hash) ? "here" : undefined);
        here.add(hash);
        return { ...row, bytes: utf8.encode(row.text).length, ...(copyOf !== undefined && { copyOf }) };
      });
      rows.push(...own);
      if (cut.longLines > 0)
        found("Long lines cut", `${are(cut.longLines, "line")} over 512 bytes, cut between characters.`);
      const copies = own.filter(({ copyOf }) => copyOf === "here").length;
      if (copies > 0) found("Copies", `${are(copies, "row")} here already; copies earn nothing.`);
      const known = new Set(own.map(({ copyOf }) => copyOf).filter((id) => typeof id === "bigint"));
      if (known.size > 0) {
        const count = own.filter(({ copyOf }) => typeof copyOf === "bigint").length;
        found(
          "Already accepted",
          `${are(count, "row")} in contribution ${[...known].join(", ")} already; copies earn nothing.`,
        );
      }
    } catch (error) {
      if (!(error instanceof OpenLedgerError)) throw error;
      if (error.code === "ROWS_NOT_UTF8")
        found("Not UTF-8", "It is no UTF-8 text. Convert it, or leave it out; its rows are left out now.", true);
      else if (error.code === "ROWS_EMPTY") found("Empty", "It holds no text and gives no rows.", true);
      else throw error;
    }
  }
  return { rows, problems };
}

/** Why these rows cannot be sent, if they cannot. */
export function refusal(rows: Row[]): string | undefined {
  if (rows.length === 0) return "There are no rows to send. Choose other files.";
  const size = encodeContribution(rows).length;
  if (size > MAX_CONTRIBUTION)
    return `These rows take ${Math.ceil(size / 2 ** 20)} MiB, a contribution at most ${MAX_CONTRIBUTION / 2 ** 20}. Send them in parts.`;
  return undefined;
}
