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

  export const zKey: { exportVerificationKey(zkey: File): Promise<unknown> };
}
