import { mix } from "./tokens.ts";

/** Bands of hashes, one of which must agree for two sets to be compared: 9 of 10 pairs that are half alike, 1 of 9 that are a quarter alike. */
const BANDS = 32;
const BAND = 4;

/** A set of hashes, and what similar sets are likely to have in common with it (MinHash): one number for each band. */
export interface Sketched {
  /** Rising, without repeats. */
  members: Uint32Array;
  bands: number[];
}

export function sketched(hashes: Iterable<number>): Sketched {
  const members = Uint32Array.from(new Set(hashes)).sort();
  if (members.length === 0) return { members, bands: [] };
  const bands = Array.from({ length: BANDS }, (_, band) => {
    let key = band;
    for (let n = 0; n < BAND; n++) {
      const seed = band * BAND + n;
      let least = 0xffffffff;
      for (const member of members) {
        const value = mix(seed, member) >>> 0;
        if (value < least) least = value;
      }
      key = mix(key, least);
    }
    return key;
  });
  return { members, bands };
}

/** Sets of which those similar to another are found without comparing it with all (locality-sensitive hashing). */
export class SimilarSets {
  readonly #members: Uint32Array[] = [];
  /** By band and its number, the set that has it, or the sets: mostly one, for which a list would be a waste. */
  readonly #bands = Array.from({ length: BANDS }, () => new Map<number, number | number[]>());

  add({ members, bands }: Sketched): void {
    const id = this.#members.push(members) - 1;
    bands.forEach((key, band) => {
      const same = this.#bands[band]!.get(key);
      if (typeof same === "object") same.push(id);
      else this.#bands[band]!.set(key, same === undefined ? id : [same, id]);
    });
  }

  /** The set with the largest share of common members in those of either (Jaccard), the earliest of equals. */
  nearest({ members, bands }: Sketched): { id: number; share: number } | undefined {
    const candidates = new Set(bands.flatMap((key, band) => this.#bands[band]!.get(key) ?? []));
    let best: { id: number; share: number } | undefined;
    for (const id of [...candidates].sort((a, b) => a - b)) {
      const share = jaccard(members, this.#members[id]!);
      if (share > (best?.share ?? 0)) best = { id, share };
    }
    return best;
  }
}

function jaccard(a: Uint32Array, b: Uint32Array): number {
  let common = 0;
  for (let i = 0, j = 0; i < a.length && j < b.length; ) {
    if (a[i] === b[j]) {
      common++;
      i++;
      j++;
    } else if (a[i]! < b[j]!) i++;
    else j++;
  }
  return common / (a.length + b.length - common);
}
