"""Coordinate descent on a quadratic with an l1 penalty. Contract: reference/coordinates.py."""

import numpy as np

from fastml_ext.jit import kernel

__all__ = ["quadratic_lasso"]


def quadratic_lasso(H, gradient, u, l1, tol, max_sweeps):
    target = np.array(u)
    descend(np.ascontiguousarray(H), np.array(gradient), np.ascontiguousarray(l1), tol, max_sweeps, target)
    return target


@kernel
def descend(H, g, l1, tol, max_sweeps, u):
    """g is the gradient at u all along. Sweeps alternate between all coordinates and those that are not 0."""
    d = len(u)
    for sweep in range(max_sweeps):
        everywhere, worst = sweep % 10 == 0, 0.0
        for j in range(d):
            h = H[j, j]
            if h <= 0.0 or (u[j] == 0.0 and not everywhere):
                continue
            w = u[j] - g[j] / h
            t = l1[j] / h
            new = w - t if w > t else (w + t if w < -t else 0.0)
            move = new - u[j]
            if move != 0.0:
                worst = max(worst, h * abs(move))
                u[j] = new
                for i in range(d):
                    g[i] += move * H[j, i]
        if worst <= tol and everywhere:
            return
        if worst <= tol:  # only the coordinates that are not 0 were looked at
            worst = 0.0
            for j in range(d):
                if u[j] == 0.0:
                    worst = max(worst, abs(g[j]) - l1[j])
            if worst <= tol:
                return
