"""Batches in turn, each with one step of the weights by the formulas of the solver's paper."""

import numpy as np

from fastml_ext.neural.reference.chance import dropout_factors, input_noise
from fastml_ext.neural.reference.functions import ACTIVATIONS, LOSSES, loss
from fastml_ext.neural.reference.layers import backward, forward, join, output_slope, pre_activations, split, through

__all__ = [
    "examine", "gradients", "mean_loss", "outputs", "r_squared", "share_right", "step", "train", "update_ratios",
]  # fmt: skip

# In the order of the kernels' codes.
SOLVERS = ("sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adam", "adamw")


def outputs(design, w, X):
    """Activations of the last layer for every row of X: (n, k).

    design: see codes.Design | w (P,), X's dtype, as `split` takes it apart | X (n, d), or for the kernel CSR
    """
    return forward(X, *split(w, design.units), names(design))[-1]


def gradients(design, w, data):
    """(loss, its gradient (P,)): mean over the rows and penalties, each divided by the sum of the rows' weights.

    The penalty is (l2/2 |coefs|^2 + l1 |coefs|_1) / sum of weights; intercepts are free. Nothing drops out.
    """
    coefs, intercepts = split(w, design.units)
    weight = np.ones(len(data.Y)) if data.weight.size == 0 else data.weight
    loss_name = list(LOSSES)[design.loss]
    value, by_coefs, by_intercepts, _ = backward(
        data.X, data.Y, coefs, intercepts, names(design), loss_name, weight, design.delta
    )
    by_coefs = [g + penalty_slope(design, coef) / weight.sum() for g, coef in zip(by_coefs, coefs, strict=True)]
    return value + penalty(design, coefs) / weight.sum(), join(by_coefs, by_intercepts).astype(w.dtype)


def mean_loss(design, output, data):
    """The loss of outputs (n, k), without penalties."""
    weight = None if data.weight.size == 0 else data.weight
    return loss(list(LOSSES)[design.loss], output, data.Y, weight, design.delta)


def examine(design, w, data):
    """What the rows say of the network: (loss, norms, dead, saturated, outputs).

    loss: as `gradients` | norms (L,): of each layer's gradient, intercepts included
    dead (L - 1,): share of each hidden layer's units that have the same activation, within 1e-6, for every row
    saturated (L - 1,): share of a logistic or tanh layer's activations within 2.5 % of their range of an end; else 0
    """
    value, gradient = gradients(design, w, data)
    coefs, intercepts = split(gradient, design.units)
    norms = [
        np.sqrt(np.sum(c.astype(float) ** 2) + np.sum(b.astype(float) ** 2))
        for c, b in zip(coefs, intercepts, strict=True)
    ]
    values = forward(data.X, *split(w, design.units), names(design))
    dead = [np.mean(a.max(axis=0) - a.min(axis=0) <= 1e-6) for a in values[1:-1]]
    middles = {"logistic": lambda a: 2 * a - 1, "tanh": lambda a: a}
    saturated = [
        np.mean(np.abs(middles[name](a)) > 0.95) if name in middles else 0.0
        for name, a in zip(names(design)[:-1], values[1:-1], strict=True)
    ]
    return value, np.array(norms), np.array(dead), np.array(saturated), values[-1]


def update_ratios(units, w, before):
    """Of each layer, norm of the change of flat weights (P,) since `before` over the norm they had: (L,) float64."""
    ratios = []
    for layer in zip(*split(w, units), *split(before, units), strict=True):
        coef, intercept, old_coef, old_intercept = (part.astype(float) for part in layer)
        change = np.sqrt(np.sum((coef - old_coef) ** 2) + np.sum((intercept - old_intercept) ** 2))
        ratios.append(change / max(np.sqrt(np.sum(old_coef**2) + np.sum(old_intercept**2)), 1e-30))
    return np.array(ratios)


def r_squared(output, Y, weight):
    """1 - sum v (y - output)^2 / sum v (y - mean)^2, the mean over the outputs; weight (n,) v, or empty for ones.

    Of an output whose y are all the same: 1 where it is met exactly, else 0.
    """
    weight, scores = np.ones(len(Y)) if weight.size == 0 else weight, []
    for y, found in zip(Y.T.astype(float), output.T, strict=True):
        wrong, spread = weight @ (y - found) ** 2, weight @ (y - weight @ y / weight.sum()) ** 2
        scores.append(float(wrong == 0) if y.min() == y.max() else 1 - wrong / spread)
    return float(np.mean(scores))


def share_right(output, Y, weight, one_of_several):
    """Share of the rows, by weight (n,) or of equal ones if empty, that the outputs (n, k) decide as targets Y do.

    one_of_several: a row's class is its first largest output; otherwise each output decides by itself, at 0.5, and a
    row is right if all are.
    """
    weight = np.ones(len(Y)) if weight.size == 0 else weight
    decided = (lambda a: a.argmax(axis=1)[:, None]) if one_of_several else (lambda a: a > 0.5)
    right = (decided(output) == decided(Y)).all(axis=1)
    return float(weight @ right / weight.sum())


def train(design, method, order, batch, data, state, before=None):
    """For each batch, (loss before the step, penalty included) x (rows of the batch), float64; `state` is stepped.

    before: (P,) that the weights before the last batch are written into, or None
    order: rows to visit, int64, taken `batch` at a time; the last batch may be smaller
    method: see codes.Method; state: see codes.State. A batch whose weights sum to 0 counts 0 and steps nothing.
    Together, every layer is stepped along the gradient at the weights before; "immediate" steps the last layer first,
    and the derivative goes on through its new weights. Gradients, penalties included, are cut to [-clip_value,
    clip_value] and then, all layers together, scaled down to a norm of clip_norm.
    """
    losses = np.zeros(-(-len(order) // batch))
    for number, first in enumerate(range(0, len(order), batch)):
        rows = order[first : first + batch]
        weight = data.weight[rows] if data.weight.size else np.ones(len(rows))
        if before is not None:
            before[:] = state.w
        if weight.sum() > 0:
            losses[number] = len(rows) * one_batch(design, method, data.X[rows], data.Y[rows], weight, state)
    return losses


def one_batch(design, method, X, Y, weight, state):
    """The batch's loss before the step, which `state` takes."""
    coefs, intercepts = split(state.w, design.units)
    activations, clock, n = names(design), int(state.clock[0]), len(X)
    if design.noise > 0:
        X = (X + design.noise * input_noise(method.seed, clock, n, X.shape[1])).astype(X.dtype)
    factors, counted = [], 0
    for units, share in zip(design.units[1:], design.dropout, strict=True):
        factors.append(dropout_factors(method.seed, clock, n, counted, units, share))
        counted += units
    values = forward(X, coefs, intercepts, activations, factors)
    sums = pre_activations(X, coefs, intercepts, activations, factors)
    loss_name, total = list(LOSSES)[design.loss], weight.sum()
    value = loss(loss_name, values[-1], Y, weight, design.delta) + penalty(design, coefs) / total
    slope = output_slope(values[-1], sums[-1], Y, activations[-1], loss_name, weight, design.delta)
    state.clock[0] += 1
    found = {}
    for layer in reversed(range(len(coefs))):
        gradient = values[layer].T @ slope + penalty_slope(design, coefs[layer]) / total
        found[layer] = [np.clip(g, -method.clip_value, method.clip_value) for g in (gradient, slope.sum(axis=0))]
        if method.immediate:
            step(design, method, layer, found[layer], state)
        slope = slope @ coefs[layer].T  # `coefs` are views: stepped weights are seen at once
        if layer > 0:
            slope = through(activations[layer - 1], sums[layer - 1], slope) * factors[layer - 1]
    if not method.immediate:
        norm = np.sqrt(sum(np.sum(g.astype(float) ** 2) for pair in found.values() for g in pair))
        scale = min(1.0, method.clip_norm / norm) if norm > 0 else 1.0
        for layer, pair in found.items():
            step(design, method, layer, [scale * g for g in pair], state)
    return value


def step(design, method, layer, pair, state):
    """One step of a layer along its gradients (by coefs, by intercepts); the clock has counted it already."""
    t, m = int(state.clock[0]), method
    for part, g in enumerate(pair):
        w, first, second = (split(x, design.units)[part][layer] if x.size else None for x in (state.w, *state[1:3]))
        name = SOLVERS[m.solver]
        if name == "sgd":
            w -= m.rate * g
        elif name in ("momentum", "nesterov"):  # Sutskever et al. 2013
            first[:] = m.momentum * first - m.rate * g
            w += first if name == "momentum" else m.momentum * first - m.rate * g
        elif name == "adagrad":  # Duchi et al. 2011
            second += g**2
            w -= m.rate * g / (np.sqrt(second) + m.epsilon)
        elif name == "rmsprop":  # Tieleman and Hinton 2012
            second[:] = m.beta_2 * second + (1 - m.beta_2) * g**2
            w -= m.rate * g / (np.sqrt(second) + m.epsilon)
        else:  # Kingma and Ba 2015, section 2's last form; decoupled decay: Loshchilov and Hutter 2019
            if name == "adamw":
                w -= m.rate * m.decay * w
            first[:] = m.beta_1 * first + (1 - m.beta_1) * g
            second[:] = m.beta_2 * second + (1 - m.beta_2) * g**2
            rate = m.rate * np.sqrt(1 - m.beta_2**t) / (1 - m.beta_1**t)
            w -= rate * first / (np.sqrt(second) + m.epsilon)


def penalty(design, coefs):
    return sum(
        0.5 * design.l2 * np.sum(c.astype(float) ** 2) + design.l1 * np.sum(np.abs(c), dtype=float) for c in coefs
    )


def penalty_slope(design, coef):
    return design.l2 * coef + design.l1 * np.sign(coef)


def names(design):
    """The activations by name; a user's own are addresses, which only the kernels can call."""
    return [list(ACTIVATIONS)[code] for code in design.activations]
