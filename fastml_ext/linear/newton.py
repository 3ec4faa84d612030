"""Newton's method on a small dense table, whole: there the calls cost more than the work.

Contract: reference/newton.py.
"""

import numpy as np

from fastml_ext.device.codes import LOG
from fastml_ext.device.losses import margin_loss
from fastml_ext.device.numbers import exponentials
from fastml_ext.jit import kernel
from fastml_ext.linear.likelihoods import binary_losses
from fastml_ext.linear.wide import factor

__all__ = ["newton_steps"]

STEPS = 25  # in one call of the kernel
SMALLEST_STEP = 1e-10
HIDDEN = 1e-13  # relative to the value: so much of a gain may rounding hide from a line search
ROUNDING = 1e-16  # relative to the value: no gain smaller than this can be seen


def newton_steps(code, Z, Y, weight, l2, tol, max_iter, U):
    U, done = np.array(U, np.float64), False
    history = np.empty(min(max_iter, STEPS) + 1)
    n, k = len(Z), len(U)
    scores, H = np.empty((n, k)), np.empty((U.size, U.size))
    steps = 0
    while True:
        before, most = steps, min(STEPS, max_iter - steps)
        history = np.append(history[: steps + 1], np.empty(most)) if steps else history
        steps, done = descend(code, Z, Y, weight, l2, tol, (before, most), U, scores, H, history)
        if done or steps < before + most or steps == max_iter:
            break
    return U, history[: steps + 1], done


@kernel
def row_loss(code, scores, i, y, v, slopes):
    """Loss of row i; its scores become curvatures, or with several scores probabilities."""
    k = scores.shape[1]
    if k == 1:
        loss, slope, curve = margin_loss(code, 1.0, scores[i, 0], y)
        slopes[i, 0], scores[i, 0] = v * slope, v * curve
        return v * loss
    own = int(y)
    mine = scores[i, own]
    top, total = exponentials(scores[i], scores[i])
    for c in range(k):
        scores[i, c] /= total
        slopes[i, c] = v * scores[i, c]
    slopes[i, own] -= v
    return v * (np.log(total) - (mine - top))


@kernel
def value_at(code, Z, Y, weight, l2, U, scores, gradient):
    """The objective at U; its gradient; into scores the curvatures or probabilities of the rows."""
    n, p, k = len(Z), Z.shape[1], len(U)
    total, slopes = 0.0, np.empty((n, k))
    copy(np.dot(Z, U.T), scores)
    if k == 1 and code == LOG:
        total = binary_losses(scores.reshape(-1), 0, n, Y, weight, slopes.reshape(-1), np.empty(n))
    else:
        for i in range(n):
            total += row_loss(code, scores, i, Y[i], weight[i], slopes)
    copy(np.dot(slopes.T, Z), gradient)
    for c in range(k):
        for j in range(p):
            total += 0.5 * l2[j] * U[c, j] * U[c, j]
            gradient[c, j] += l2[j] * U[c, j]
    return total


@kernel
def hessian_at(Z, weight, l2, scores, H):
    """Upper half of the Hessian. What no score sees, the same weight more for each class, is given a curvature too."""
    n, p, k = len(Z), Z.shape[1], scores.shape[1]
    weighted = np.empty((n, p))
    for a in range(k):
        for b in range(a, k):
            for i in range(n):
                h = scores[i, a]
                if k > 1:
                    h = weight[i] * scores[i, a] * ((a == b) - scores[i, b])
                for j in range(p):
                    weighted[i, j] = h * Z[i, j]
            block = np.dot(weighted.T, Z)
            for j in range(p):
                for l in range(p):
                    H[a * p + j, b * p + l] = block[j, l]
    for j in range(p):
        for a in range(k):
            H[a * p + j, a * p + j] += l2[j]
            if k > 1 and l2[j] == 0.0:
                for b in range(a, k):
                    H[a * p + j, b * p + j] += 1.0 / k


@kernel
def solve(H, extra, step):
    """step becomes (H + extra I)^-1 step, H's upper half its Cholesky factor; False where a pivot is not positive."""
    m = len(H)
    for j in range(m):
        H[j, j] += extra
    if not factor(H, 1e-14):
        return False
    for i in range(m):
        step[i] /= H[i, i]
        for l in range(i + 1, m):
            step[l] -= step[i] * H[i, l]
    for i in range(m - 1, -1, -1):
        for l in range(i + 1, m):
            step[i] -= H[i, l] * step[l]
        step[i] /= H[i, i]
    return True


@kernel
def copy(source, target):
    """Numba's slice assignment checks the shapes at run time, by code that needs Python's interpreter."""
    for j in range(source.size):
        target.reshape(-1)[j] = source.reshape(-1)[j]


@kernel
def descend(code, Z, Y, weight, l2, tol, steps, U, scores, H, history):
    """(steps made so far, whether done); steps: those made before, and how many there may be now."""
    gradient, at = np.empty(U.shape), U.copy()
    step, done = np.empty(U.size), False
    value = value_at(code, Z, Y, weight, l2, U, scores, gradient)
    made, history[steps[0]] = steps[0], value
    for _ in range(steps[1]):
        extra, size, solved = 0.0, 0.0, False
        while not solved and extra <= size:  # as little of the identity as makes the Hessian regular
            hessian_at(Z, weight, l2, scores, H)
            size = max(np.trace(H) / len(H), 1e-300)
            copy(gradient, step)
            solved = solve(H, extra, step)
            extra = max(10.0 * extra, 1e-12 * size)
        if not solved:
            return made, False
        gain = 0.0
        for j in range(len(step)):
            gain += step[j] * gradient.reshape(-1)[j]
        done = gain <= ROUNDING * abs(value) or (np.abs(gradient).max() <= tol and gain <= 1e-9 * abs(value))
        if done:
            break
        t = 1.0
        copy(U, at)
        while t > SMALLEST_STEP and t * gain > ROUNDING * abs(value):
            for j in range(len(step)):
                U.reshape(-1)[j] = at.reshape(-1)[j] - t * step[j]
            new = value_at(code, Z, Y, weight, l2, U, scores, gradient)
            if new <= value - 1e-4 * t * gain:
                break
            t /= 2.0
        else:  # rounding hides what is left to gain
            copy(at, U)
            value_at(code, Z, Y, weight, l2, U, scores, gradient)
            return made, gain <= HIDDEN * abs(value) or np.abs(gradient).max() <= 100.0 * tol
        value, made = new, made + 1
        history[made] = value
    return made, done
