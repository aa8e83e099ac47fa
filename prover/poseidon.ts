import { buildPoseidon, type Poseidon } from "circomlibjs";

let shared: Promise<Poseidon> | undefined;

/** circomlib's Poseidon over BN254 for up to 16 inputs, as a function of field elements; loads once a process. */
export async function loadPoseidon(): Promise<(inputs: readonly bigint[]) => bigint> {
  shared ??= buildPoseidon();
  const poseidon = await shared;
  return (inputs) => poseidon.F.toObject(poseidon(inputs));
}
