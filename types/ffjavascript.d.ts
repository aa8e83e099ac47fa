/** What this project uses of ffjavascript 0.3 (it ships no types). Points and field elements are Montgomery bytes. */
declare module "ffjavascript" {
  export interface Field {
    /** w[p] generates the subgroup of order 2^p */
    readonly w: Uint8Array[];
    toObject(element: Uint8Array): bigint;
  }

  export interface Group<Coordinate> {
    readonly g: Uint8Array;
    readonly gAffine: Uint8Array;
    readonly zeroAffine: Uint8Array;
    add(a: Uint8Array, b: Uint8Array): Uint8Array;
    neg(a: Uint8Array): Uint8Array;
    eq(a: Uint8Array, b: Uint8Array): boolean;
    isZero(a: Uint8Array): boolean;
    isValid(a: Uint8Array): boolean;
    timesScalar(a: Uint8Array, scalar: bigint): Uint8Array;
    toAffine(a: Uint8Array): Uint8Array;
    toObject(a: Uint8Array): [Coordinate, Coordinate, Coordinate];
    fromObject(a: readonly Coordinate[]): Uint8Array;
    /** Σ scalar_i·base_i; bases affine, scalars 32 bytes little-endian */
    multiExpAffine(bases: Uint8Array, scalars: Uint8Array): Promise<Uint8Array>;
  }

  export interface ThreadManager {
    readonly memory: WebAssembly.Memory;
    readonly instance: { readonly exports: Record<string, (...pointers: number[]) => number> };
    u8: Uint8Array<ArrayBuffer>;
    u32: Uint32Array<ArrayBuffer>;
  }

  export interface Curve {
    readonly tm: ThreadManager;
    readonly Fr: Field;
    readonly G1: Group<bigint>;
    readonly G2: Group<[bigint, bigint]>;
    /** whether the product of the pairings e(g1_i, g2_i) is one */
    pairingEq(...points: Uint8Array[]): Promise<boolean>;
    terminate(): Promise<void>;
  }

  export function buildBn128(singleThread?: boolean): Promise<Curve>;
}
