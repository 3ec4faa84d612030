"""L-BFGS: the inverse Hessian, and a pass over a dense table."""

import numpy as np

from fastml_ext.linear.reference.passes import evaluate

__all__ = ["quasi_newton", "table_pass"]


def quasi_newton(steps, changes, order, first, right):
    """H right (N,) for the matrix H that BFGS makes of `first`, the function q -> H0 q of a symmetric positive matrix.

    steps, changes (m, N): of the point and of the gradient, a row each, steps[i] @ changes[i] > 0 | order: the rows to
    use, the oldest first. Each makes of H the matrix nearest to it that takes changes[i] to steps[i].
    """
    H = np.column_stack([first(unit) for unit in np.eye(len(right))])
    for i in order:
        part = np.eye(len(right)) - np.outer(steps[i], changes[i]) / (steps[i] @ changes[i])
        H = part @ H @ part.T + np.outer(steps[i], steps[i]) / (steps[i] @ changes[i])
    return H @ right


def table_pass(code, Z, Y, weight, l2, U, curvature):
    """(value, gradient (k, p)) at U of what `newton_steps` minimises; curvature (n, k) is written as by `evaluate`."""
    losses, gradient = evaluate(code, Z, Y, weight, U, np.zeros(len(U)), curvature)
    return losses + np.sum(l2 * U**2) / 2, gradient[:, :-1] + l2 * U
