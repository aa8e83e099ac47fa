pragma circom 2.2.0;

include "poseidon16.circom";

function ENTRY_BITS() { return 8; }
function ENTRIES_PER_ELEMENT() { return 31; } // 31 * 8 = 248 bits, which never wraps around the field
function SCORE_BITS() { return 16; }

/**
 * One row of K int8 entries: its score under Q, clipped at zero, and its entries packed for the hash. The bits are needed for
 * the packing to be injective.
 */
template NaiveRow(K) {
    var ELEMENTS = (K + ENTRIES_PER_ELEMENT() - 1) \ ENTRIES_PER_ELEMENT();
    signal input g[K];                      // entries in [-128, 128)
    signal input q[K];
    signal output clipped;                  // max(Σ q_j g_j, 0)
    signal output packed[ELEMENTS];

    signal bit[K][ENTRY_BITS() - 1];        // bits 1..7 of g + 128
    signal product[K];
    var score = 0;
    var elements[ELEMENTS];
    for (var j = 0; j < K; j++) {
        var low = g[j] + 128;
        for (var n = 1; n < ENTRY_BITS(); n++) {
            bit[j][n - 1] <-- ((g[j] + 128) >> n) & 1;
            bit[j][n - 1] * (bit[j][n - 1] - 1) === 0;
            low -= bit[j][n - 1] * (1 << n);
        }
        low * (low - 1) === 0;
        product[j] <== q[j] * g[j];
        score += product[j];
        elements[j \ ENTRIES_PER_ELEMENT()] += (g[j] + 128) * (1 << (8 * (j % ENTRIES_PER_ELEMENT())));
    }
    for (var e = 0; e < ELEMENTS; e++) packed[e] <== elements[e];

    // Sign and clip as in the circuit in use: norm bounds keep |score| < 2^16.
    signal scoreBit[SCORE_BITS()];
    var rest = score + (1 << SCORE_BITS());
    for (var n = 1; n <= SCORE_BITS(); n++) {
        scoreBit[n - 1] <-- ((score + (1 << SCORE_BITS())) >> n) & 1;
        scoreBit[n - 1] * (scoreBit[n - 1] - 1) === 0;
        rest -= scoreBit[n - 1] * (1 << n);
    }
    rest * (rest - 1) === 0;
    clipped <== scoreBit[SCORE_BITS() - 1] * score;
}

/**
 * What the settlement proves, without commitments outside the circuit: rows whose hash was published, their scores under a public
 * Q, clipped, and each contributor's total. As cheap as it can be made in this way: three rows share a Poseidon of 16 inputs, and
 * which rows are whose is fixed in the circuit, R / C each, and costs nothing.
 */
template Naive(R, K, C) {
    var PER_HASH = 3;
    var ELEMENTS = (K + ENTRIES_PER_ELEMENT() - 1) \ ENTRIES_PER_ELEMENT();
    signal input q[K];                      // public
    signal input h;                         // public: hash chain over the rows
    signal input g[R][K];
    signal output totals[C];

    component rows[R];
    component chain[R / PER_HASH];
    var sums[C];
    for (var i = 0; i < R; i++) {
        rows[i] = NaiveRow(K);
        rows[i].q <== q;
        rows[i].g <== g[i];
        sums[i * C \ R] += rows[i].clipped;
    }
    for (var c = 0; c < C; c++) totals[c] <== sums[c];
    for (var t = 0; t < R / PER_HASH; t++) {
        chain[t] = Poseidon16();
        if (t == 0) chain[t].inputs[0] <== 0;
        else chain[t].inputs[0] <== chain[t - 1].out;
        for (var n = 0; n < PER_HASH; n++)
            for (var e = 0; e < ELEMENTS; e++) chain[t].inputs[1 + n * ELEMENTS + e] <== rows[t * PER_HASH + n].packed[e];
    }
    h === chain[R / PER_HASH - 1].out;
}
