import { lettersOf, Said } from "../../sdk/new-text.ts";
import type { Novelty } from "../../sdk/row-fates.ts";
import { bucketByLength, type Example } from "../examples.ts";
import type { Adapter } from "../lora.ts";
import type { Pool } from "../pool.ts";
import type { Tokenizer } from "../tokenizer.ts";
import { TASK_EXAMPLES } from "./gradients.ts";

/** To how many digits a surprisal is kept: those in which engines agree. */
const DIGITS = 4;

/**
 * What is new in each row, held against those before it.
 * @param adapter has learned them
 * @param asked the rows that it is asked about, all unless told; the others have a surprisal of 0
 */
export async function novelties(
  pool: Pool,
  adapter: Adapter,
  rows: readonly Example[],
  asked: readonly number[] = [...rows.keys()],
): Promise<Novelty[]> {
  const { tokenizer } = pool.base;
  const said = new Said();
  const out: Novelty[] = [];
  const marks: Uint8Array[] = [];
  const spell = speller(tokenizer);
  for (const { ids } of rows) {
    const letters = spell(ids)
      .map((part) => part.letters)
      .join("");
    const known = said.mark(letters);
    out.push({ letters: letters.length, own: zeros(new Said().mark(letters)), fresh: zeros(known), surprisal: 0 });
    marks.push(known);
  }
  const all = asked.map((row) => rows[row]!);
  const groups = bucketByLength(all, TASK_EXAMPLES).map(async (group) => {
    const examples = group.map((n) => all[n]!);
    const losses = await pool.run("tokenLosses", { adapter, examples });
    group.forEach((n, i) => {
      const row = asked[n]!;
      const loss = medianLoss(spell(examples[i]!.ids), marks[row]!, losses[i]!);
      out[row]!.surprisal = Number(loss.toFixed(DIGITS));
    });
  });
  await Promise.all(groups);
  return out;
}

/** Tokens start..end−1 of a row, and the letters that they spell together. */
interface Spelled {
  letters: string;
  start: number;
  end: number;
}

/** Most bytes of a character, each of which may be a token. */
const MOST_TOKENS = 4;

/** Letters token by token, or several tokens at a time where these spell a character only together. */
function speller(tokenizer: Tokenizer): (ids: ArrayLike<number>) => Spelled[] {
  const single = new Map<number, string>();
  const decode = (ids: number[]) => {
    const [first] = ids as [number];
    const text = (ids.length === 1 ? single.get(first) : undefined) ?? tokenizer.decode(ids);
    if (ids.length === 1) single.set(first, text);
    return text;
  };
  return (ids) => {
    const out: Spelled[] = [];
    let part: number[] = [];
    for (let end = 1; end <= ids.length; end++) {
      part.push(ids[end - 1]!);
      const text = decode(part);
      if (text.endsWith("\ufffd") && part.length < MOST_TOKENS) continue;
      out.push({ letters: lettersOf(text), start: end - part.length, end });
      part = [];
    }
    return out;
  };
}

/** @param losses of the tokens after the first, which nothing predicts */
function medianLoss(spelled: readonly Spelled[], known: Uint8Array, losses: Float32Array): number {
  let at = 0;
  const parts = spelled.flatMap(({ letters, start, end }) => {
    const fresh = zeros(known.subarray(at, (at += letters.length)));
    const own = losses.subarray(Math.max(0, start - 1), end - 1);
    if (fresh === 0 || own.length === 0) return [];
    return [{ fresh, loss: own.reduce((sum, loss) => sum + loss, 0) / own.length }];
  });
  const rising = parts.sort((a, b) => a.loss - b.loss);
  const half = rising.reduce((sum, { fresh }) => sum + fresh, 0) / 2;
  let held = 0;
  return rising.find(({ fresh }) => (held += fresh) >= half)?.loss ?? 0;
}

const zeros = (marks: Uint8Array): number => marks.reduce((sum, mark) => sum + 1 - mark, 0);
