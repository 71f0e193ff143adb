/* Full-batch gradient descent as one writes it in C when the compiler is to vectorise over samples.
   X is (D, N), W is (K, D); y holds the classes. REAL, EXP, N, D, K come from the command line. */
#include <math.h>
#include <stdlib.h>

void descend(const REAL *restrict X, const int *restrict y, REAL *restrict W, double step, long n_steps, int pairwise)
{
    REAL score[K][N], gradient[K][N], own[N], total[N];
    for (long t = 0; t < n_steps; t++) {
        for (int k = 0; k < K; k++) {
            for (int i = 0; i < N; i++)
                score[k][i] = 0;
            for (int j = 0; j < D; j++)
                for (int i = 0; i < N; i++)
                    score[k][i] += W[k * D + j] * X[j * N + i];
        }
        for (int i = 0; i < N; i++) {
            own[i] = 0;
            total[i] = 0;
            for (int k = 0; k < K; k++)
                own[i] += y[i] == k ? score[k][i] : 0;
        }
        for (int k = 0; k < K; k++)
            for (int i = 0; i < N; i++) {
                REAL e = EXP(score[k][i] - own[i]);
                REAL q = y[i] == k ? 0 : pairwise ? e / (1 + e) : e;
                gradient[k][i] = q;
                total[i] += q;
            }
        for (int k = 0; k < K; k++)
            for (int i = 0; i < N; i++) {
                REAL g = y[i] == k ? -total[i] : gradient[k][i];
                gradient[k][i] = pairwise ? g : g / (1 + total[i]);
            }
        for (int k = 0; k < K; k++)
            for (int j = 0; j < D; j++) {
                REAL sum = 0;
                for (int i = 0; i < N; i++)
                    sum += gradient[k][i] * X[j * N + i];
                W[k * D + j] -= (REAL)step * sum;
            }
    }
}
