"""A quadratic with an l1 penalty."""

import numpy as np

__all__ = ["quadratic_lasso"]


def quadratic_lasso(H, gradient, u, l1, tol, max_sweeps):
    """The w with the least gradient @ (w - u) + (w - u) @ H @ (w - u) / 2 + sum_j l1_j |w_j|: (d,).

    H (d, d) positive semidefinite; a coordinate whose diagonal is 0 stays where it is | stops once no coordinate could
    move by more than tol in terms of the gradient, or after max_sweeps. Coordinate by coordinate, each to its optimum.
    """
    w = np.array(u, float)
    for _ in range(max_sweeps):
        moved = 0.0
        for j in np.flatnonzero(np.diag(H) > 0):
            slope = gradient[j] + H[j] @ (w - u)
            best = w[j] - slope / H[j, j]
            best = np.sign(best) * max(abs(best) - l1[j] / H[j, j], 0.0)
            moved, w[j] = max(moved, H[j, j] * abs(best - w[j])), best
        if moved <= tol:
            break
    return w
