/** Whether a vector of int8 has entries in [−127, 127] and a norm of at most `norm`. */
export const isWithin = (vector: Int8Array, norm: number): boolean =>
  !vector.includes(-128) && vector.reduce((sum, entry) => sum + entry * entry, 0) <= norm ** 2;
