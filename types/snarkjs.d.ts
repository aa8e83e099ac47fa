/** What this project uses of snarkjs 0.7 (it ships no types). */
declare module "snarkjs" {
  /** A file on disk, or one kept in memory (`data` is filled when written). */
  export type File = string | { type: "mem"; data?: Uint8Array };

  export interface Groth16Proof {
    /** affine with a third coordinate; decimal strings; G2 coordinates real part first */
    pi_a: [string, string, string];
    pi_b: [[string, string], [string, string], [string, string]];
    pi_c: [string, string, string];
    protocol: string;
    curve: string;
  }

  export const wtns: {
    calculate(input: Record<string, unknown>, wasm: File, witness: File): Promise<void>;
    exportJson(witness: File): Promise<bigint[]>;
  };

  export const groth16: {
    prove(zkey: File, witness: File): Promise<{ proof: Groth16Proof; publicSignals: string[] }>;
    verify(verifyingKey: unknown, publicSignals: string[], proof: Groth16Proof): Promise<boolean>;
  };

  export const zKey: {
    exportVerificationKey(zkey: File): Promise<unknown>;
    /** -1 where the circuit does not fit the powers of tau */
    newZKey(r1cs: File, ptau: File, zkey: File): Promise<Uint8Array | -1>;
    /** gives the contribution's hash; asks on the terminal where entropy is empty */
    contribute(old: File, next: File, name: string, entropy: string): Promise<Uint8Array>;
    /** false where an argument is refused */
    beacon(old: File, next: File, name: string, hex: string, iterationsExponent: number): Promise<Uint8Array | false>;
    verifyFromInit(initial: File, ptau: File, zkey: File): Promise<boolean>;
  };

  export const powersOfTau: {
    newAccumulator(curve: unknown, power: number, ptau: File): Promise<unknown>;
    contribute(old: File, next: File, name: string, entropy: string): Promise<Uint8Array>;
    beacon(old: File, next: File, name: string, hex: string, iterationsExponent: number): Promise<Uint8Array | false>;
    preparePhase2(old: File, next: File): Promise<void>;
    verify(ptau: File): Promise<boolean>;
  };
}
