"""A network drawn: its units and weights."""

import itertools
from typing import Any

import numpy as np

from fastml.markup import math_free
from fastml.plot.axes import axes_of

__all__ = ["network"]

ACROSS = 2.3  # inches from one layer to the next
UNIT, LABEL = 0.52, 0.19  # inches that a unit, and a number at an edge, need at least
RADIUS = 0.17  # of a circle, in inches
MOST_NUMBERS = 20  # edges between two layers: with more, numbers hide the picture
PLUS, MINUS = "#2166ac", "#d6604d"


def network(model: Any, *, x: Any = None, weights: Any = None, max_units: int = 10, ax: Any = None) -> Any:
    """Draw a network: a circle for each unit, a line for each weight, blue above and red below zero.

    Lines are as wide as their weights are large within the layer. Biases and the loss have no circle of their own.

    Parameters
    ----------
    model : Network, MLPClassifier or MLPRegressor
        A model is fitted, fastml's or scikit-learn's.
    x : array-like of shape (n_features,), default=None
        A sample: its activations are written into the circles.
    weights : bool, default=None
        Write the weights at the lines, and the biases below the circles; None does where there are few.
    max_units : int, default=10
        How many units of a layer are drawn; of a larger one the first and the last, and dots between them.
    ax : matplotlib axes, default=None
        Where to draw; None makes a figure to measure.

    Returns
    -------
    ax : matplotlib axes

    Examples
    --------
    >>> from fastml.neural_network import Network
    >>> from fastml.plot import network
    >>> ax = network(Network.from_rows([[-1, 1, -1], [-1, -1, 1]], [[-0.5, 1, 1]], activations="step"))
    >>> len(ax.patches), len(ax.collections[0].get_segments())
    (5, 4)
    """
    from fastml.neural_network import Network

    if max_units < 2:
        raise ValueError(f"max_units={max_units} must be at least 2, the first unit and the last")
    net = model if isinstance(model, Network) else Network.from_estimator(model)
    shown = [units_shown(n, max_units) for n in net.units]
    edges = [len(a) * len(b) for a, b in itertools.pairwise(shown)]
    written = max(edges) <= MOST_NUMBERS if weights is None else weights
    step = UNIT
    if written:  # numbers between layers of n and m units stand as close as a step / (min(n, m) + 1)
        fewest = max(min(len(a), len(b)) for a, b in itertools.pairwise(shown))
        step = max(UNIT + 0.15, LABEL * (fewest + 1))
    places = [heights(of, n, step) for of, n in zip(shown, net.units, strict=True)]
    ax = canvas(ax, places, len(net.units))
    for layer, coef in enumerate(net.coefs):
        part = coef[np.ix_(shown[layer], shown[layer + 1])].astype(float)
        draw_edges(ax, part, layer * ACROSS, places[layer], places[layer + 1])
        if written:
            write_weights(ax, part, layer * ACROSS, places[layer], places[layer + 1])
    values = None if x is None else [np.asarray(a)[0] for a in net.forward(x).activations]
    for layer, (of, heights_of) in enumerate(zip(shown, places, strict=True)):
        inside = None if values is None else [number(values[layer][unit]) for unit in of]
        draw_units(ax, layer * ACROSS, heights_of, inside)
        if layer and written:
            for unit, height in zip(of, heights_of, strict=True):
                bias = number(net.intercepts[layer - 1][unit])
                ax.text(layer * ACROSS, height - RADIUS - 0.03, f"bias {bias}", ha="center", va="top", fontsize=6.5)
        title(ax, net, layer, max(map(max, places)))
        if len(of) < net.units[layer]:
            dots(ax, layer * ACROSS, heights_of, net.units[layer] - len(of))
    name_ends(ax, net, shown, places)
    return ax


def units_shown(n, most):
    """Places of the units that are drawn: all, or the first and the last."""
    return np.arange(n) if n <= most else np.r_[: (most + 1) // 2, n - most // 2 : n]


def heights(shown, n, step):
    """Heights of the units of a layer, around 0, from the top; dots take the room of a unit."""
    at = np.arange(len(shown), dtype=float)
    if len(shown) < n:
        at[(len(shown) + 1) // 2 :] += 1
    return step * (at[-1] / 2 - at)


def canvas(ax, places, n_layers):
    """Axes in which an inch is an inch, or as near as the axes given allow."""
    top, left, right = max(map(max, places)) + 0.75, 1.1, 1.1
    width, height = (n_layers - 1) * ACROSS + left + right, 2 * top - 0.2
    ax = axes_of(ax, (width, height))
    ax.set(xlim=(-left, width - left), ylim=(-(height - top), top), aspect="equal")
    ax.axis("off")
    return ax


def draw_edges(ax, part, x, before, after):
    """Lines of weights part (n, m) from units at heights `before`."""
    from matplotlib.collections import LineCollection

    rows, columns = (place.ravel() for place in np.indices(part.shape))
    order = np.argsort(np.abs(part).ravel(), kind="stable")  # the strongest on top
    rows, columns = rows[order], columns[order]
    strength = np.abs(part[rows, columns]) / max(np.abs(part).max(), 1e-300)
    ends = [((x, before[i]), (x + ACROSS, after[j])) for i, j in zip(rows, columns, strict=True)]
    colours = [
        PLUS if part[i, j] > 0 else MINUS if part[i, j] < 0 else "0.6" for i, j in zip(rows, columns, strict=True)
    ]
    alpha = 0.25 + 0.7 * strength if part.size > MOST_NUMBERS else 0.5 + 0.45 * strength
    ax.add_collection(LineCollection(ends, colors=colours, linewidths=0.4 + 2.0 * strength, alpha=alpha, zorder=1))


def write_weights(ax, part, x, before, after):
    """Numbers at the lines, each at the share of its way at which no two are on the same height."""
    n, m = part.shape
    share = 1 / (m + 1) if m <= n else n / (n + 1)
    share = min(max(share, 0.2), 0.8)
    box = {"boxstyle": "square,pad=0.08", "facecolor": "white", "edgecolor": "none", "alpha": 0.85}
    for i, j in np.ndindex(n, m):
        y = before[i] + share * (after[j] - before[i])
        colour = PLUS if part[i, j] > 0 else MINUS if part[i, j] < 0 else "0.4"
        at = (x + share * ACROSS, y)
        ax.text(*at, number(part[i, j]), fontsize=8, color=colour, ha="center", va="center", bbox=box, zorder=2)


def draw_units(ax, x, places, inside):
    from matplotlib.patches import Circle

    for k, height in enumerate(places):
        ax.add_patch(Circle((x, height), RADIUS, facecolor="white", edgecolor="0.2", linewidth=1, zorder=3))
        if inside is not None:
            ax.text(x, height, inside[k], ha="center", va="center", fontsize=7, zorder=4)


def dots(ax, x, places, left_out):
    middle = (places[(len(places) + 1) // 2 - 1] + places[(len(places) + 1) // 2]) / 2
    ax.plot([x] * 3, middle + np.array([-0.1, 0, 0.1]), "o", color="0.3", markersize=2, zorder=3)
    ax.text(x + 0.1, middle, f"{left_out:,} more", fontsize=7, color="0.3", ha="left", va="center", zorder=4,
            bbox={"boxstyle": "square,pad=0.1", "facecolor": "white", "edgecolor": "none", "alpha": 0.8})  # fmt: skip


def title(ax, net, layer, top):
    name = "input" if layer == 0 else net.activations[layer - 1].name.replace("_", " ")
    count = f"{net.units[layer]:,} unit{'s' * (net.units[layer] > 1)}"
    ax.text(layer * ACROSS, top + RADIUS + 0.12, f"{name}\n{count}", ha="center", va="bottom", fontsize=9)


def name_ends(ax, net, shown, places):
    """Names of the inputs on the left and of the outputs on the right."""
    last = (len(net.units) - 1) * ACROSS
    for names, x, of, heights_of, side in (
        (net.feature_names, -RADIUS - 0.07, shown[0], places[0], "right"),
        (net.output_names, last + RADIUS + 0.07, shown[-1], places[-1], "left"),
    ):
        for unit, height in zip(of, heights_of, strict=True):
            ax.text(x, height, math_free(shortened(str(names[unit]))), ha=side, va="center", fontsize=8)


def shortened(name, most=16):
    return name if len(name) <= most else name[: most - 1] + "…"


def number(value):
    """A number in three digits, with a minus as long as a plus."""
    return f"{float(value):.3g}".replace("-", "−")
