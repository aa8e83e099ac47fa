import { keccak256, toUtf8Bytes } from "ethers";
import { OpenLedgerError } from "../sdk/errors.ts";

/**
 * Splits rows by whole groups, such as contributions or files, so that nothing of a held-out group was learned from: groups
 * in seeded order are held out while that brings their rows nearer to the fraction.
 * @param groups Name of each row's group.
 * @throws OpenLedgerError `TRAINER_SPLIT`
 */
export function holdOutGroups(
  groups: readonly string[],
  fraction: number,
  seed: number,
): { train: number[]; heldOut: number[] } {
  if (!(fraction > 0 && fraction < 1)) throw bad(`fraction is ${fraction}; it must be above 0 and below 1`);
  const sizes = new Map<string, number>();
  for (const group of groups) sizes.set(group, (sizes.get(group) ?? 0) + 1);
  if (sizes.size < 2) throw bad(`all ${groups.length} rows are of one group; split by smaller ones, or give several`);
  const place = (group: string) => keccak256(toUtf8Bytes(`${seed}:${group}`));
  const order = [...sizes.keys()].sort((a, b) => (place(a) < place(b) ? -1 : 1));
  const wanted = fraction * groups.length;
  const out = new Set<string>();
  let rows = 0;
  for (const group of order) {
    const more = rows + sizes.get(group)!;
    if (out.size === sizes.size - 1 || Math.abs(more - wanted) >= Math.abs(rows - wanted)) continue;
    out.add(group);
    rows = more;
  }
  if (out.size === 0) out.add(order.reduce((least, group) => (sizes.get(group)! < sizes.get(least)! ? group : least)));
  const numbers = (held: boolean) => groups.flatMap((group, row) => (out.has(group) === held ? [row] : []));
  return { train: numbers(false), heldOut: numbers(true) };
}

function bad(problem: string): OpenLedgerError {
  return new OpenLedgerError("TRAINER_SPLIT", `validation split: ${problem}`);
}
