import type { CheckName, Finding } from "../../../sdk/checks/rows.ts";
import { OpenLedgerError } from "../../../sdk/errors.ts";
import { cutRows, encodeContribution, type Row } from "../../../sdk/rows.ts";

/** Largest contribution that the Studio stores, in bytes of its file. */
export const MAX_CONTRIBUTION = 16 * 2 ** 20;

export type SourceFile = { path: string; bytes: Uint8Array };

/** What is wrong with a file, in words; a file with `refused` gives no rows. */
export type Problem = { path: string; name: string; text: string; refused: boolean };

/** "1 row is", "2 rows are". */
const are = (count: number, word: string): string => (count === 1 ? `1 ${word} is` : `${count} ${word}s are`);

/** Cuts files into rows and names what is wrong with them as files. */
export function draftOf(files: SourceFile[]): { rows: Row[]; problems: Problem[] } {
  const rows: Row[] = [];
  const problems: Problem[] = [];
  for (const { path, bytes } of files) {
    const found = (name: string, text: string, refused = false) => problems.push({ path, name, text, refused });
    try {
      const cut = cutRows(path, bytes);
      rows.push(...cut.rows);
      if (cut.longLines > 0)
        found("Long lines cut", `${are(cut.longLines, "line")} over 512 bytes, cut between characters.`);
    } catch (error) {
      if (!(error instanceof OpenLedgerError)) throw error;
      if (error.code === "ROWS_NOT_UTF8")
        found("Not UTF-8", "It is no UTF-8 text. Convert it, or leave it out; its rows are left out now.", true);
      else if (error.code === "ROWS_LONG_SAMPLE")
        found(
          "Long samples",
          "A line is over 512 bytes, and a sample cannot be cut. Shorten it, or leave it out.",
          true,
        );
      else if (error.code === "ROWS_EMPTY") found("Empty", "It holds no text and gives no rows.", true);
      else throw error;
    }
  }
  return { rows, problems };
}

/** Rows without those that have a finding of these checks. */
export function without(rows: Row[], findings: readonly Finding[], checks: readonly CheckName[]): Row[] {
  const left = new Set(findings.filter(({ check }) => checks.includes(check)).map(({ row }) => row));
  return rows.filter((_, index) => !left.has(index));
}

/** Why these rows cannot be sent, if they cannot. */
export function refusal(rows: Row[]): string | undefined {
  if (rows.length === 0) return "There are no rows to send. Choose other files.";
  const size = encodeContribution(rows).length;
  if (size > MAX_CONTRIBUTION)
    return `These rows take ${Math.ceil(size / 2 ** 20)} MiB, a contribution at most ${MAX_CONTRIBUTION / 2 ** 20}. Send them in parts.`;
  return undefined;
}
