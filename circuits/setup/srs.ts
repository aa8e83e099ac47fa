import type { G2 } from "../../sdk/hash.ts";

/** Powers of τ for KZG commitments. */
export interface Srs {
  /** raw points τ^0·G1, τ^1·G1, ... (64 bytes each, the format of .ptau files) */
  readonly powers: Uint8Array;
  readonly tauG2: G2;
  /** true when τ is publicly known: such commitments prove nothing */
  readonly development: boolean;
}
