/** What this project uses of circomlibjs 0.1 (it ships no types). */
declare module "circomlibjs" {
  export interface Poseidon {
    (inputs: readonly bigint[]): Uint8Array;
    readonly F: { toObject(element: Uint8Array): bigint };
  }
  /** The permutation compiled to WebAssembly. */
  export function buildPoseidon(): Promise<Poseidon>;
}
