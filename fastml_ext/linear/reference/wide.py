"""Newton's method in the scores of the rows."""

import numpy as np

__all__ = ["wide_newton"]


def wide_newton(K, Y, weight, strength, free, tol, max_iter):
    """(a (n,), b, values, done): least over a, b of  sum_i weight_i log(1 + exp(-Y_i f_i)) + strength a K a / 2.

    K (n, n): products of the rows, so that f = K a + b are the scores of the weights w = sum_i a_i x_i
    Y (n,) -1 or 1 | weight (n,) | strength above 0 | free: whether there is an intercept b, else 0; with it the sum of
    a is 0 | values: the objective at the start, a = 0, and after each step. Done once a step was made that promised no
    more than tol of the value, or rounding hides what is left.
    """
    a, b, values, last = np.zeros(len(K)), 0.0, [], np.inf
    while True:
        f = K @ a + b
        values.append(weight @ np.logaddexp(0, -Y * f) + strength * a @ K @ a / 2)
        p = 1 / (1 + np.exp(Y * f))
        g, W = -weight * Y * p, weight * p * (1 - p)
        # The quadratic's optimum: strength a + W (K a + b) = W f - g, and the sum of a is 0.
        system = strength * np.eye(len(K)) + W[:, None] * K
        system = np.block([[system, W[:, None]], [np.ones((1, len(K))), np.zeros((1, 1))]])
        system[-1] = system[-1] if free else np.eye(len(K) + 1)[-1]
        solution = np.linalg.lstsq(system, np.append(W * f - g, 0.0))[0]
        da, db = solution[:-1] - a, solution[-1] - b
        gain, t = -(g @ (K @ da + db)) - strength * a @ K @ da, 1.0
        if gain <= 1e-14 * values[-1] or len(values) > max_iter or last <= tol * values[-1]:
            return a, b, np.array(values), len(values) <= max_iter
        while t > 1e-10:
            f = K @ (a + t * da) + b + t * db
            new = weight @ np.logaddexp(0, -Y * f) + strength * (a + t * da) @ K @ (a + t * da) / 2
            if new <= values[-1] - 1e-4 * t * gain:
                break
            t /= 2
        a, b, last = a + t * da, b + t * db, gain
