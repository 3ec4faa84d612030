"""Newton's method."""

import numpy as np

from fastml_ext.linear.reference.passes import evaluate, hessian_product

__all__ = ["newton_steps"]


def newton_steps(code, Z, Y, weight, l2, tol, max_iter, U):
    """(U, values, done): least over U (k, p) of  sum_i weight_i loss(U z_i, Y_i) + sum_j l2_j |U_j|^2 / 2, from U on.

    code: of log or squared_hinge; several scores are "log" and mean softmax | Z (n, p), an intercept is a column of
    ones | Y (n,) -1 or 1, or classes 0 to k - 1 | weight (n,) | l2 (p,) | values: the objective at the start and after
    each step, at most max_iter of them. A step is halved until it gains a ten-thousandth of what the slope promises.
    Done once no entry of the gradient is above tol and what Newton expects to gain is below 1e-9 of the value, or is
    below what rounding lets it see.
    """
    U, zero, values, done = np.array(U, float), np.zeros(len(U)), [], False

    def at(U, curvature=None):
        losses, gradient = evaluate(code, Z, Y, weight, U, zero, curvature)
        return losses + np.sum(l2 * U**2) / 2, gradient[:, :-1] + l2 * U

    values.append(at(U)[0])
    while True:
        curvature = np.empty((len(Z), len(U)))
        value, gradient = at(U, curvature)
        units = np.eye(U.size).reshape(U.size, *U.shape)
        padded = [np.column_stack([unit, zero]) for unit in units]
        columns = [hessian_product(Z, weight, curvature, V)[:, :-1] + l2 * V[:, :-1] for V in padded]
        step = (np.linalg.pinv(np.array([column.ravel() for column in columns])) @ gradient.ravel()).reshape(U.shape)
        gain, t = np.sum(step * gradient), 1.0
        done = gain <= 1e-16 * abs(value) or (np.abs(gradient).max() <= tol and gain <= 1e-9 * abs(value))
        while not done and t > 1e-10 and not at(U - t * step)[0] <= value - 1e-4 * t * gain:
            t /= 2
        if done or t <= 1e-10 or len(values) > max_iter:
            return U, np.array(values), bool(done or np.abs(gradient).max() <= 100 * tol)
        U = U - t * step
        values.append(at(U)[0])
