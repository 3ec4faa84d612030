"""Linear support vector machines by their dual."""

import numpy as np

__all__ = ["dual_svm"]


def dual_svm(X, signs, upper, diagonal, bias, tol, max_iter, seed):
    """(W (k, d + 1), alpha (k, n), sweeps (k,), done (k,)) of k problems, each

        least over 0 <= alpha <= upper of  |W|^2 / 2 + sum_i diagonal_i alpha_i^2 / 2 - sum_i alpha_i

    where W = sum_i alpha_i y_i [x_i, bias]. With upper = C v and diagonal = 0 that is the dual of
    |W|^2 / 2 + sum C v_i max(0, 1 - y_i W [x_i, bias]), with upper infinite and diagonal = 1 / (2 C v) of the same with
    the hinge squared; a row of v = 0 has upper = 0 and no slope, and one whose
    [x_i, bias] is zero has alpha = upper. Done once no projected slope of a whole sweep is more than tol
    above another; of hinges that are not squared also once the duality gap, which is looked at now and then, is less
    than 0.3 tol of the objective. signs (k, n) are the y; the intercept is bias * W[:, d]. The seed may change the
    path, and not the optimum.
    """
    k, n = signs.shape
    W, alphas, sweeps, done = np.zeros((k, X.shape[1] + 1)), np.zeros((k, n)), np.zeros(k, np.int64), np.zeros(k, bool)
    for c in range(k):
        Z = signs[c][:, None] * np.column_stack([X, np.full(n, bias)])
        Q, alpha = Z @ Z.T + np.diag(diagonal[c]), alphas[c]
        while sweeps[c] < max_iter and not done[c]:
            slopes = []
            for i in range(n):
                g = Q[i] @ alpha - 1
                free = (min(g, 0.0) if alpha[i] == 0 else max(g, 0.0) if alpha[i] == upper[c, i] else g) + 0.0
                free = free if upper[c, i] else 0.0
                slopes.append(free)
                if free != 0 and Q[i, i] == 0:
                    alpha[i] = upper[c, i]
                elif free != 0:
                    alpha[i] = min(max(alpha[i] - g / Q[i, i], 0.0), upper[c, i])
            sweeps[c] += 1
            done[c] = max(slopes) - min(slopes) <= tol
        W[c] = alpha @ Z
    return W, alphas, sweeps, done
