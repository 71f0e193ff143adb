/* The same by hand: vectors of the compiler, samples in blocks of one vector, an exponential of its own.
   X is (D, N), W is (K, D); y holds the classes. N, D, K come from the command line. */
#ifdef __AVX512F__
#define L 8
#else
#define L 4
#endif
#define BLOCKS ((N + L - 1) / L)

typedef double lanes __attribute__((vector_size(8 * L)));
typedef long long bits __attribute__((vector_size(8 * L)));

/* exp on [-700, 700]: Cody and Waite, then the series to the 13th power in Estrin's order */
static inline lanes exponential(lanes x)
{
    bits low = x < -700, high = x > 700;
    x = (lanes)(((bits)x & ~(low | high)) | ((bits)((lanes){} - 700) & low) | ((bits)((lanes){} + 700) & high));
    lanes shifted = x * 0x1.71547652b82fep0 + 0x1.8p52;
    lanes n = shifted - 0x1.8p52;
    lanes r = x - n * 0x1.62e42feep-1 - n * 0x1.a39ef35793c76p-33;
    lanes r2 = r * r, r4 = r2 * r2, r8 = r4 * r4;
    lanes a = 1 + r + r2 * (1 / 2. + r * (1 / 6.));
    lanes b = 1 / 24. + r * (1 / 120.) + r2 * (1 / 720. + r * (1 / 5040.));
    lanes c = 1 / 40320. + r * (1 / 362880.) + r2 * (1 / 3628800. + r * (1 / 39916800.));
    lanes d = 1 / 479001600. + r * (1 / 6227020800.);
    return (lanes)((bits)(a + r4 * b + r8 * (c + r4 * d)) + ((bits)shifted << 52));
}

void descend(const double *X, const int *y, double *W, double step, long n_steps, int pairwise)
{
    static lanes x[BLOCKS][D], is_own[BLOCKS][K], g[BLOCKS][K];
    for (int b = 0; b < BLOCKS; b++)
        for (int l = 0; l < L; l++) {
            int i = b * L + l;
            for (int j = 0; j < D; j++)
                x[b][j][l] = i < N ? X[j * N + i] : 0;
            for (int k = 0; k < K; k++)
                is_own[b][k][l] = i < N && y[i] == k;
        }
    for (long t = 0; t < n_steps; t++) {
        for (int b = 0; b < BLOCKS; b++) {
            lanes score[K], own = {}, total = {};
            for (int k = 0; k < K; k++) {
                score[k] = x[b][0] * W[k * D];
                for (int j = 1; j < D; j++)
                    score[k] += x[b][j] * W[k * D + j];
                own += is_own[b][k] * score[k];
            }
            for (int k = 0; k < K; k++) {
                lanes e = exponential(score[k] - own) * (1 - is_own[b][k]);
                score[k] = pairwise ? e / (1 + e) : e;
                total += score[k];
            }
            lanes scale = pairwise ? (lanes){} + 1 : 1 / (1 + total);
            for (int k = 0; k < K; k++)
                g[b][k] = (score[k] - is_own[b][k] * total) * scale;
        }
        for (int k = 0; k < K; k++) {
            lanes sum[D] = {};
            for (int b = 0; b < BLOCKS; b++)
                for (int j = 0; j < D; j++)
                    sum[j] += g[b][k] * x[b][j];
            for (int j = 0; j < D; j++) {
                double all = 0;
                for (int l = 0; l < L; l++)
                    all += sum[j][l];
                W[k * D + j] -= step * all;
            }
        }
    }
}
