"""Are the derivatives of a network right, and if not, which weight, which layer, which function is it?"""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import issparse

from fastml.neural_network.backpropagation import backward, forward, loss_value

__all__ = ["GradientReport", "check"]

EPSILON = np.finfo(float).eps
STEP = EPSILON ** (1 / 3)  # balances the error of the formula, h^2, against that of rounding, eps/h
TOLERANCE = 1e-6  # relative to the largest entry of an array of float64 derivatives; of others, a root's worth
MOST_POINTS = 200  # where the derivative of an activation is looked at


@dataclass(frozen=True)
class GradientReport:
    """What `Network.check_gradients` found; true when every derivative agrees.

    rows: for each array of derivatives (name, entries compared, entries at corners, largest error, place, derivative,
    difference) | wrong: the names of the entries that disagree, the worst of each array, such as "coefs[0][2, 1]"
    culprit: the function whose derivative disagrees with its own differences, or None | notes: what was not compared
    """

    ok: bool
    tolerance: float
    rows: list
    wrong: list
    culprit: str | None
    notes: list

    def __bool__(self):
        return self.ok

    def __str__(self):
        lines = [f"{'agree' if self.ok else 'DISAGREE'} with central differences (tolerance {self.tolerance:.0e})"]
        for name, compared, corners, error, place, slope, numeric in self.rows:
            at = f"{name}[{', '.join(map(str, place))}]"
            lines.append(
                f"  {at}: derivative {slope:.6g}, differences {numeric:.6g}, error {error:.1e}"
                f" (largest of {compared}{f', {corners} at corners' if corners else ''})"
            )
        return "\n".join(lines + ([f"  wrong: {self.culprit}"] if self.culprit else []) + self.notes)

    __repr__ = __str__


def check(network, X, Y, loss, gradients, max_entries, random_state):
    """The GradientReport of a float64 network; gradients: to be checked, or None for the network's own."""
    X = X.toarray() if issparse(X) else X
    passed = forward(X, network.coefs, network.intercepts, network.activations)
    own, weight = gradients is None, np.ones(len(Y))
    given = backward(passed, Y, network.coefs, network.activations, loss) if own else gradients
    arrays = named_arrays(network, given)
    tolerance = TOLERANCE if all(g.dtype == np.float64 for _, _, g in arrays) else 2e-3
    measure = Measure(network, passed, lambda output: loss_value(loss, output, Y, weight, 1.0))
    random, rows, wrong = np.random.default_rng(random_state), [], []
    skipped = [k for k, activation in enumerate(network.activations) if activation.name == "straight_through"]
    for name, layer, found in arrays:
        if skipped and layer <= skipped[-1]:
            continue
        row, agrees = compare(measure, name, layer, found, tolerance, chosen(found, max_entries, random))
        rows.append(row)
        if not agrees:
            wrong.append(f"{name}[{', '.join(map(str, row[4]))}]")
    culprit = first_wrong(network, passed, loss, Y) if wrong and own else None
    if wrong and not own:
        culprit = f"{wrong[-1]} is the wrong entry nearest to the output"
    notes = [
        f"  not compared: layers 1 to {k + 1}: straight_through (layer {k + 1}) has a derivative of its own by design"
        for k in skipped[-1:]
    ]
    return GradientReport(not wrong, tolerance, rows, wrong, culprit, notes)


def named_arrays(network, given):
    """[(name, layer, derivatives)] from X on to the last layer; each has the shape of what it differentiates by."""
    coefs, intercepts = (given.coefs, given.intercepts) if hasattr(given, "coefs") else given
    arrays = [("X", -1, np.asarray(given.X))] if hasattr(given, "X") else []
    for layer, (coef, intercept) in enumerate(zip(coefs, intercepts, strict=True)):
        arrays += [(f"coefs[{layer}]", layer, np.asarray(coef)), (f"intercepts[{layer}]", layer, np.asarray(intercept))]
    shapes = [(f"{name}[{k}]", a.shape) for k in range(len(network.coefs)) for name, a in layer_of(network, k)]
    for (name, shape), (_, _, found) in zip(shapes, arrays[-len(shapes) :], strict=True):
        if found.shape != shape:
            raise ValueError(f"gradients: {name} has shape {found.shape}, where {shape} is needed")
    return arrays


def layer_of(network, k):
    return (("coefs", network.coefs[k]), ("intercepts", network.intercepts[k]))


def chosen(found, most, random):
    """Places of the entries to compare: all, or half of them the largest derivatives and half drawn."""
    if found.size <= most:
        return np.arange(found.size)
    by_size = np.argsort(-np.abs(found.ravel()), kind="stable")
    others = random.choice(by_size[most // 2 :], most - most // 2, replace=False)
    return np.concatenate([by_size[: most // 2], others])


class Measure:
    """The loss with one entry of X, coefs or intercepts moved: only the layers above it are computed again."""

    def __init__(self, network, passed, loss):
        self.network, self.passed, self.loss = network, passed, loss

    def moved(self, name, layer, place, step):
        net, passed = self.network, self.passed
        if name == "X":
            X = passed.activations[0].copy()
            X[place] += step
            return self.loss(forward(X, net.coefs, net.intercepts, net.activations).output)
        z = passed.sums[layer].copy()
        z[:, place[-1]] += step * (passed.activations[layer][:, place[0]] if name.startswith("coefs") else 1.0)
        a, above = net.activations[layer].value(z), slice(layer + 1, None)
        return self.loss(forward(a, net.coefs[above], net.intercepts[above], net.activations[above]).output)

    def value_at(self, name, layer, place):
        arrays = self.passed.activations[0] if name == "X" else dict(layer_of(self.network, layer))[name.split("[")[0]]
        return float(arrays[place])


def compare(measure, name, layer, found, tolerance, places):
    """(row of the report, whether all entries agree) of one array of derivatives."""
    scale, corners, rows = float(np.abs(found).max(initial=0.0)), 0, []
    middle = measure.moved(name, layer, np.unravel_index(0, found.shape), 0.0)
    for flat in places:
        place = tuple(int(i) for i in np.unravel_index(flat, found.shape))
        x, slope = measure.value_at(name, layer, place), float(found[place])
        h = (x + STEP * (1 + abs(x))) - x  # a step that x can take exactly
        up, down = (measure.moved(name, layer, place, s) for s in (h, -h))
        numeric, left, right = (up - down) / (2 * h), (middle - down) / h, (up - middle) / h
        allowed = tolerance * max(scale, abs(numeric)) + 8 * EPSILON * (abs(up) + abs(down)) / h + 100 * h * h
        error = abs(slope - numeric)
        if error > allowed and abs(left - right) > 100 * allowed:  # a corner: any slope between both is one
            corners += 1
            error = max(0.0, min(left, right) - slope, slope - max(left, right))
        excess = error / allowed if np.isfinite(error) else np.inf
        rows.append((excess, error / max(scale, abs(numeric), 1e-300), place, slope, numeric))
    excess, *worst = max(rows, key=lambda row: row[0])
    return (name, len(places), corners, *worst), excess <= 1


def first_wrong(network, passed, loss, Y):
    """The function nearest to the output whose derivative disagrees with differences of its own values."""
    output = passed.output
    a, y = output.ravel(), Y.ravel()
    found = disagreement(
        lambda a: np.asarray(loss.value(a, y, 1.0)), np.broadcast_to(loss.slope(a, y, 1.0), a.shape), a
    )
    if found:
        return f"the derivative of the loss '{loss.name}': at output = {found}"
    for layer in reversed(range(len(network.coefs))):
        activation, z = network.activations[layer], passed.sums[layer].ravel()[:MOST_POINTS]
        if activation.slope is None:
            continue
        a = np.asarray(activation.value(z))
        found = disagreement(activation.value, np.broadcast_to(activation.slope(z, a), z.shape), z)
        if found:
            return f"the derivative of layer {layer + 1}'s activation '{activation.name}': at z = {found}"
    return None


def disagreement(function, slopes, z):
    """Where and how derivatives first disagree with differences, in words; None if they agree."""
    h = (z + STEP * (1 + np.abs(z))) - z
    with np.errstate(all="ignore"):
        up, down, middle = np.asarray(function(z + h)), np.asarray(function(z - h)), np.asarray(function(z))
        numeric, left, right = (up - down) / (2 * h), (middle - down) / h, (up - middle) / h
    allowed = 1e-5 * (1 + np.abs(slopes) + np.abs(numeric))
    corner = np.abs(left - right) > 100 * allowed
    bad = np.isfinite(numeric) & ~corner & ~(np.abs(slopes - numeric) <= allowed)
    if not bad.any():
        return None
    k = int(np.argmax(bad))
    return f"{z[k]:.4g} it is {slopes[k]:.4g}, differences give {numeric[k]:.4g}"
