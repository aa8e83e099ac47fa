pragma circom 2.2.0;

include "poseidon16.circom";

// Layout shared with prover/witness.ts: 18 bits a row, 14 rows a field element, 15 elements a hash: 210 rows a block.
function SCORE_BITS() { return 16; }        // scores lie in [-2^16, 2^16)
function ROWS_PER_ELEMENT() { return 14; }  // 14 * 18 = 252 bits, which never wraps around the field
function ELEMENTS() { return 15; }
function BLOCK() { return 210; }

/**
 * 210 rows, walked from the last to the first.
 *
 * Each score is split into bits. The bits serve twice: the top one is the sign, which the clip at zero needs, and
 * together they make the packing injective, so that the hash over the packed elements fixes every score and flag
 * before the challenges z and x are drawn. A flag b = 1 marks the first row of a contributor; times (x-1) it is at
 * once the flag's term in the polynomial opened at z and the step to the next power of x in the sum of totals.
 */
template Block() {
    var SB = SCORE_BITS();
    var N = BLOCK();

    // ---- PUBLIC (challenges) ----
    signal input z;                 // point at which the committed polynomials are opened
    signal input x;                 // weight that separates the contributors
    // ---- PRIVATE ----
    signal input s[N];              // scores, as field elements (negative: r - |s|)
    signal input b[N];              // 1 on the first row of a contributor, else 0
    signal input sumIn;             // Horner sum in z of all later rows
    signal input totalsIn;          // Horner sum in x of the totals of all later rows
    signal output sumOut;           // the same, these rows included
    signal output totalsOut;        // the same, these rows included
    signal output packed[ELEMENTS()]; // element e, field f (18 bits at 18f) = s + 2^16 + 2^17 b of row 14e + f

    signal bit[N][SB];              // bits 1..16 of s + 2^16
    signal clipped[N];              // max(s, 0)
    signal m[N];                    // b (x-1)
    signal sum[N + 1];              // sum[i] = Σ_{j>=i} (s_j + m_j) z^(j-i), later blocks included
    signal totals[N + 1];           // totals[i] = Σ_{j>=i} clipped_j x^(flags in i..j), later blocks included

    sum[N] <== sumIn;
    totals[N] <== totalsIn;

    for (var i = N - 1; i >= 0; i--) {
        // Range: bits 1..16 are boolean, and what they leave of s + 2^16 must be the boolean bit 0.
        var low = s[i] + (1 << SB);
        for (var j = 1; j <= SB; j++) {
            bit[i][j - 1] <-- ((s[i] + (1 << SB)) >> j) & 1;
            bit[i][j - 1] * (bit[i][j - 1] - 1) === 0;
            low -= bit[i][j - 1] * (1 << j);
        }
        low * (low - 1) === 0;

        // Sign and clip: the top bit is set exactly when s >= 0.
        clipped[i] <== bit[i][SB - 1] * s[i];

        // Ownership flag.
        b[i] * (b[i] - 1) === 0;
        m[i] <== b[i] * (x - 1);

        // One step of both Horner sums.
        sum[i] <== sum[i + 1] * z + s[i] + m[i];
        totals[i] <== (totals[i + 1] + clipped[i]) * (1 + m[i]);
    }

    sumOut <== sum[0];
    totalsOut <== totals[0];

    for (var e = 0; e < ELEMENTS(); e++) {
        var element = 0;
        for (var f = 0; f < ROWS_PER_ELEMENT(); f++) {
            var i = e * ROWS_PER_ELEMENT() + f;
            element += (s[i] + (1 << SB) + b[i] * (1 << (SB + 1))) * (1 << (f * (SB + 2)));
        }
        packed[e] <== element;
    }
}

/**
 * One chunk of R = 210·NB rows of the score vector.
 *
 * The contract knows commitments to the scores and to the flags. This circuit does what is not linear (sign, clip,
 * sum per contributor) and hands back three numbers: h binds the rows before z and x are drawn; y is what the chunk
 * contributes to the opening of both commitments at z; a is what it contributes to Σ_c totals_c x^c. Nothing here
 * knows the chunk's index, the number of rows or the contributors: the contract's equations bind those, so one
 * circuit serves every chunk of every model.
 *
 * Hash chain, rows and blocks ascending: h_0 = TAG, h_{k+1} = Poseidon16(h_k, packed elements 0..14 of block k).
 */
template Attribution(NB) {
    var R = NB * BLOCK();
    // keccak256("OpenLedger.Chunk.v1") mod r
    var TAG = 16760999184989997546056483929731365935000691257762683028899141583490658276757;

    // ---- PUBLIC ----
    signal input z;                 // point at which the committed polynomials are opened
    signal input x;                 // weight that separates the contributors
    signal input h;                 // hash of the chunk's rows
    signal input y;                 // Σ_i (s_i + b_i (x-1)) z^i
    signal input a;                 // Σ_i max(s_i, 0) x^(flags in 0..i)
    // ---- PRIVATE ----
    signal input s[R];              // scores in [-2^16, 2^16)
    signal input b[R];              // 1 on the first row of a contributor (and on the row after the last one), else 0

    component blocks[NB];
    component chain[NB];

    for (var k = NB - 1; k >= 0; k--) {
        blocks[k] = Block();
        blocks[k].z <== z;
        blocks[k].x <== x;
        for (var i = 0; i < BLOCK(); i++) {
            blocks[k].s[i] <== s[k * BLOCK() + i];
            blocks[k].b[i] <== b[k * BLOCK() + i];
        }
        if (k == NB - 1) {
            blocks[k].sumIn <== 0;
            blocks[k].totalsIn <== 0;
        } else {
            blocks[k].sumIn <== blocks[k + 1].sumOut;
            blocks[k].totalsIn <== blocks[k + 1].totalsOut;
        }
    }

    for (var k = 0; k < NB; k++) {
        chain[k] = Poseidon16();
        if (k == 0) {
            chain[k].inputs[0] <== TAG;
        } else {
            chain[k].inputs[0] <== chain[k - 1].out;
        }
        for (var e = 0; e < ELEMENTS(); e++) chain[k].inputs[e + 1] <== blocks[k].packed[e];
    }

    h === chain[NB - 1].out;
    y === blocks[0].sumOut;
    a === blocks[0].totalsOut;
}
