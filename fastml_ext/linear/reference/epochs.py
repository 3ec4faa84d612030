"""Stochastic gradient descent in vector algebra."""

import numpy as np

from fastml_ext.linear.reference.losses import LOSSES, row_loss, row_slopes

__all__ = ["average", "begin", "dense_epoch", "look", "slopes", "sparse_epoch", "weights"]

COUPLINGS = ["each", "rest", "softmax", "argmax"]
SCHEDULES = ["constant", "invscaling", "optimal", "pa1", "pa2"]
METHODS = ["plain", "momentum", "adagrad", "adam"]


class Descent:
    """Weights [coef, intercept] (k, d + 1) on their way."""

    def __init__(self, W, strength):
        self.W, self.strength, self.steps = W, strength, 0
        self.first = self.second = 0.0
        self.owed, self.taken = np.zeros(W.shape), np.zeros(W.shape)
        self.path = []  # the weights after each step


def begin(task, coef, intercept, sparse=False, strength=None):
    """The state before the first step. strength (d,): what a column's penalties are multiplied with, default 1.

    The penalty is l2/2 |w|^2 + l1 |w|_1 with the intercept left out.
    """
    strength = np.ones(coef.shape[1]) if strength is None else strength
    return Descent(np.column_stack([coef, intercept]).astype(float), np.append(strength, 0.0))


def dense_epoch(task, order, X, Y, weight, class_weight, state, hits):
    """One step for every `task.batch` rows of `order` (the last may have fewer); (sum of losses, all were finite).

    A step of size eta goes along the mean gradient g of the batch, all of it taken at the weights before the step:

        plain      w <- (1 - eta l2 strength) w - eta g     where the factor is at least 0
        momentum   v <- momentum v + g';  w <- w - eta v    g' = g + l2 strength w, here and below
        adagrad    h <- h + g'^2;  w <- w - eta g' / (sqrt(h) + 1e-10)                       (Duchi et al. 2011)
        adam       betas 0.9, 0.999, epsilon 1e-8, both moments corrected for their start    (Kingma, Ba 2015)

    and then the l1 penalty takes from each weight what it is owed: the sum, over all steps so far, of the weight's own
    step size times l1 times strength. A weight that reaches 0 stops there and owes the rest, so that one step does not
    bring back what many have penalised: it leaves 0 once the gradients outweigh the debt. Plain steps take it from the
    weights of the columns that are not 0 in all rows of the batch, and what l2 shrinks does not count as taken
    (Tsuruoka, Tsujii, Ananiadou 2009, section 3).

    eta is eta0 (constant), eta0 / t^power (invscaling) or eta0 / (alpha (optimal + t - 1)) (optimal) at step t >= 1.
    pa1, pa2: eta is 1 and each slope is multiplied with min(eta0, loss / |x|^2), or with loss / (|x|^2 + 1 / (2 eta0))
    (Crammer et al. 2006); a row of zeros makes no pa1 step. `task.intercept`: what the last weight's gradient is
    multiplied with, 0 where there is no intercept.

    order (n,) rows | Y (n, k) or (n, 1) see `row_slopes` | weight (n,), or empty for 1 each | class_weight (2, k): what
    a row counts in score c where its target is not positive, and where it is | hits (n, k) int8, or empty: written at
    each place in the order, the sign in which each score's weights moved | a loss that is not finite ends the epoch
    before its step. The sums of scores may be taken in any order: a score may be off by (d + 1) eps sum |w_j x_j|.
    """
    losses = 0.0
    for start in range(0, len(order), task.batch):
        rows, k = order[start : start + task.batch], len(state.W)
        G = np.zeros_like(state.W)
        for at, i in enumerate(rows, start):
            x = np.append(X[i], 1.0)
            s = state.W @ x
            loss, slope = one_row(task, s, Y[i], i, weight, class_weight)
            if not np.isfinite(loss):
                return losses, False
            losses += loss
            slope = slope * passive(task, s, Y[i], X[i])
            G += np.outer(slope, np.append(X[i], task.intercept))
            if len(hits):
                hits[at] = -np.sign(slope)[:k]
        step(task, state, G / len(rows), np.append(np.any(X[rows] != 0, axis=0), False))
    return losses, True


sparse_epoch = dense_epoch


def one_row(task, s, y, i, weight, class_weight):
    name, coupling = list(LOSSES)[task.loss], COUPLINGS[task.coupling]
    v = weight[i] if len(weight) else 1.0
    positive = [t > 0 for t in y] if coupling == "each" else [True] * len(s)
    if coupling == "rest":
        positive = [c == y[0] for c in range(len(s))]
    u = np.array([v * class_weight[int(p), c] for c, p in enumerate(positive)])
    both = name, coupling, task.parameter, s, y, u
    return row_loss(*both), row_slopes(*both)


def passive(task, s, y, x):
    if SCHEDULES[task.schedule] not in ("pa1", "pa2"):
        return 1.0
    value, k, square = LOSSES[list(LOSSES)[task.loss]][0], len(s), x @ x
    targets = y if COUPLINGS[task.coupling] == "each" else [1 if c == y[0] else -1 for c in range(k)]
    loss = np.array([value(a, t, task.parameter) for a, t in zip(s, targets, strict=True)])
    if SCHEDULES[task.schedule] == "pa2":
        return loss / (square + 1 / (2 * task.eta0))
    return np.minimum(task.eta0, loss / square) if square > 0 else 0.0


def step(task, state, g, met):
    state.steps += 1
    t, W, schedule = state.steps, state.W, SCHEDULES[task.schedule]
    eta = {
        "constant": task.eta0,
        "invscaling": task.eta0 / t**task.power,
        "optimal": task.eta0 / (task.alpha * (task.optimal + t - 1)),
    }.get(schedule, 1.0)
    own, penalised = eta, g + task.l2 * state.strength * W
    match METHODS[task.method]:
        case "plain":
            penalised = g + np.minimum(task.l2 * state.strength, 1 / eta) * W
        case "momentum":
            penalised = state.first = task.momentum * state.first + penalised
        case "adagrad":
            state.second = state.second + penalised**2
            own = eta / (np.sqrt(state.second) + 1e-10)
        case "adam":
            state.first = 0.9 * state.first + 0.1 * penalised
            state.second = 0.999 * state.second + 0.001 * penalised**2
            own = eta / (np.sqrt(state.second / (1 - 0.999**t)) + 1e-8)
            penalised = state.first / (1 - 0.9**t)
    W = W - own * penalised
    state.owed = state.owed + own * task.l1 * state.strength
    before, above, below = (
        W,
        np.maximum(W - (state.owed + state.taken), 0),
        np.minimum(W + (state.owed - state.taken), 0),
    )
    paid = np.where(W > 0, above, np.where(W < 0, below, 0))
    W = np.where(met | (METHODS[task.method] != "plain"), paid, W)
    state.taken = state.taken + (W - before)
    state.W = W
    state.path.append(W)


def weights(state, sparse=False):
    """(coef, intercept) now."""
    return state.W[:, :-1], state.W[:, -1]


def average(task, state, sparse=False):
    """Mean (coef, intercept) after each step from `task.average_from` (counted from 0) on; before it, as `weights`."""
    late = state.path[task.average_from :] if task.average_from >= 0 else []
    W = np.mean(late, axis=0) if late else state.W
    return W[:, :-1], W[:, -1]


def look(task, state, sparse, before, now):
    """Sums over the weights that `average` gives: (squares of coefficients, of moves, sizes, squares of intercepts).

    The weights are written into `now`; moves are from `before`, intercepts included. Both have the shape of the state's
    own, (k, d + 1), or for CSR rows its transpose.
    """
    coef, intercept = average(task, state, sparse)
    W = np.column_stack([coef, intercept])
    W = W.T if sparse else W
    moves = ((W - before) ** 2).sum()
    now[:] = W
    return (coef**2).sum(), moves, np.abs(coef).sum(), (intercept**2).sum()


def slopes(task, scores, Y, weight, class_weight):
    """(losses (n,), slopes (n, k)) of the rows with scores (n, k); see `dense_epoch` for the rest."""
    rows = [one_row(task, s, Y[i], i, weight, class_weight) for i, s in enumerate(scores)]
    return np.array([loss for loss, _ in rows]), np.array([slope for _, slope in rows])
