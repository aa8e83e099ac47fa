import { Said } from "../new-text.ts";
import { MAX_ROW_BYTES } from "../rows.ts";

/** What is wrong with a text as text. */
export interface Flaw {
  check: "encoding" | "length";
  what: string;
  fix: string;
}

const encoding = (what: string, fix: string): Flaw => ({ check: "encoding", what, fix });
const length = (what: string, fix: string): Flaw => ({ check: "length", what, fix });

const FLAWS: [pattern: RegExp, flaw: Flaw][] = [
  [
    /\ufffd/,
    encoding("characters that were lost in an earlier conversion (\ufffd)", "Convert the original again, as UTF-8."),
  ],
  [
    /\u00c3[\u0080-\u00bf]|\u00e2\u20ac[\u0153\u2122\u02dc\u00a6\u201c\u201d]|\u00c2[\u00a0-\u00bf]/,
    encoding("UTF-8 that was read as Latin-1 (such as Ã¼ for ü)", "Convert the original again, as UTF-8."),
  ],
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
  [/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/, encoding("control characters", "Take them out.")],
  [
    /[\u202a-\u202e\u2066-\u2069]/,
    encoding("marks that show text in another order than it has", "Take them out: they can hide what a text says."),
  ],
  [/[\u200b\u2060\u00ad]|.\ufeff/s, encoding("invisible characters", "Take them out.")],
  [
    /[A-Za-z][\p{Script=Cyrillic}]|[\p{Script=Cyrillic}][A-Za-z]/u,
    encoding("Cyrillic letters inside of Latin words", "Write the word in one script."),
  ],
  [
    /[A-Za-z0-9+/=_-]{256}/,
    length(
      "a run of 256 letters and digits without a space, such as encoded data",
      "Leave it out: nothing is learned from it.",
    ),
  ],
];

/** Fewer letters and digits than these say nothing by themselves. */
const LEAST_SIGNS = 24;
/** Of a row that is filled up with itself, more than this share stands in it further in front. */
const MOST_REPEATED = 2 / 3;
const utf8 = new TextEncoder();

/** How much of a text says something: its characters but blanks, marks and ornaments. */
export const lettersAndDigits = (text: string): number => text.match(/[\p{L}\p{N}]/gu)?.length ?? 0;

/** Which part of a text's letters and digits it said before. */
function shareRepeated(text: string): number {
  const { letters, fresh } = new Said().add(text);
  return letters === 0 ? 0 : 1 - fresh / letters;
}

/** What is wrong with a row's text as text. */
export function flaws(text: string): Flaw[] {
  const found = FLAWS.filter(([pattern]) => pattern.test(text)).map(([, flaw]) => flaw);
  const signs = lettersAndDigits(text);
  if (signs < LEAST_SIGNS)
    found.push(
      length(`only ${signs} letters and digits`, "Leave it out, or give it in one row with what is around it."),
    );
  const repeated = signs < LEAST_SIGNS ? 0 : shareRepeated(text);
  if (repeated > MOST_REPEATED)
    found.push(
      length(`the same again and again: ${Math.round(100 * repeated)} % of it stands further in front`, "Say it once."),
    );
  // A character has at most 4 bytes: a row with room for another that does not end its line was cut by its length alone.
  if (!text.endsWith("\n") && utf8.encode(text).length > MAX_ROW_BYTES - 4)
    found.push(
      length("cut inside of a line, which is longer than a row", `Break the line before byte ${MAX_ROW_BYTES}.`),
    );
  return found;
}
