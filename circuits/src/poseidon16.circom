pragma circom 2.2.0;

include "circomlib/circuits/poseidon_constants.circom";

/**
 * Poseidon over BN254 with 16 inputs: width t = 17, 8 full and 68 partial rounds, S-box v^5, and circomlib's
 * optimised constants C, S, M, P, so that the hash equals `poseidon(inputs)` of circomlib and circomlibjs.
 *
 * circomlib's own template passes every linear layer through signals and then needs the compiler to remove thousands
 * of linear constraints again. Here the state is held in `var`s, as linear expressions of the S-box outputs: what is
 * left are the 612 multiplications of the 204 S-boxes, each constrained by `<==`, and one linear output.
 */
template Poseidon16() {
    var t = 17;
    var FULL = 8;
    var PARTIAL = 68;
    var SBOXES = t * FULL + PARTIAL;
    var C[t * FULL + PARTIAL] = POSEIDON_C(t);
    var S[PARTIAL * (2 * t - 1)] = POSEIDON_S(t);
    var M[t][t] = POSEIDON_M(t);
    var P[t][t] = POSEIDON_P(t);

    // ---- PRIVATE ----
    signal input inputs[16];            // the message
    signal output out;                  // its hash: the first word of the last state

    // One S-box is three products.
    signal v2[SBOXES];                  // v^2
    signal v4[SBOXES];                  // v^4
    signal v5[SBOXES];                  // v^5

    var k = 0;                          // next unused S-box
    var state[t];
    var mixed[t];
    state[0] = C[0];
    for (var i = 1; i < t; i++) state[i] = inputs[i - 1] + C[i];

    // First half of the full rounds. The last of them mixes with P, which the optimised partial rounds start from.
    for (var r = 0; r < FULL / 2; r++) {
        for (var i = 0; i < t; i++) {
            v2[k] <== state[i] * state[i];
            v4[k] <== v2[k] * v2[k];
            v5[k] <== v4[k] * state[i];
            state[i] = v5[k] + C[(r + 1) * t + i];
            k++;
        }
        for (var i = 0; i < t; i++) {
            mixed[i] = 0;
            for (var j = 0; j < t; j++) mixed[i] += (r < FULL / 2 - 1 ? M[j][i] : P[j][i]) * state[j];
        }
        for (var i = 0; i < t; i++) state[i] = mixed[i];
    }

    // Partial rounds: only the first word passes an S-box; the mixing matrix is sparse (first row and first column).
    for (var r = 0; r < PARTIAL; r++) {
        v2[k] <== state[0] * state[0];
        v4[k] <== v2[k] * v2[k];
        v5[k] <== v4[k] * state[0];
        state[0] = v5[k] + C[(FULL / 2 + 1) * t + r];
        k++;
        mixed[0] = 0;
        for (var i = 0; i < t; i++) mixed[0] += S[(2 * t - 1) * r + i] * state[i];
        for (var i = 1; i < t; i++) state[i] += state[0] * S[(2 * t - 1) * r + t + i - 1];
        state[0] = mixed[0];
    }

    // Second half of the full rounds. The last one adds no constant, and only its first word is wanted.
    for (var r = 0; r < FULL / 2; r++) {
        for (var i = 0; i < t; i++) {
            v2[k] <== state[i] * state[i];
            v4[k] <== v2[k] * v2[k];
            v5[k] <== v4[k] * state[i];
            state[i] = v5[k];
            if (r < FULL / 2 - 1) state[i] += C[(FULL / 2 + 1) * t + PARTIAL + r * t + i];
            k++;
        }
        for (var i = 0; i < t; i++) {
            mixed[i] = 0;
            for (var j = 0; j < t; j++) mixed[i] += M[j][i] * state[j];
        }
        for (var i = 0; i < t; i++) state[i] = mixed[i];
    }

    out <== state[0];
}
