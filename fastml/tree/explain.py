"""Why a tree answers as it does, and the least that would make it answer otherwise."""

import heapq
import math
from html import escape
from typing import Any, NamedTuple

import numpy as np

from fastml.explanation import Explanation
from fastml.tree.view import number, top
from fastml.tree.view import view as view_of
from fastml_ext.tree.structure import LEAF

__all__ = ["Change", "Step", "TreeExplanation", "explain"]


class Step(NamedTuple):
    """A node on the path of a row; the last one is where it ends."""

    node: int
    test: str  # the condition that the row meets here; "" at the end
    gain: float  # impurity of the node minus the weighted mean of its children's; 0 at the end
    samples: int  # training samples in the node
    distribution: dict | None  # {label: share of the samples}; None in regression
    prediction: Any  # what the node would answer


class Change(NamedTuple):
    """The cheapest change of a row that makes the tree answer otherwise."""

    changes: dict  # {column: its new value}
    tests: list[str]  # what must hold of each of those columns
    cost: float
    prediction: Any  # the new answer
    node: int  # the leaf that gives it
    text: str  # the new answer as it prints

    def __str__(self):
        return f"{self.text} if {' and '.join(self.tests)} (cost {self.cost:.3g})"


class TreeExplanation(Explanation):
    """The path of a row and the nearest change; `print` shows it as text, a notebook as HTML."""

    def __str__(self):
        return f"{super().__str__()}\n{self._last()}"

    def _repr_html_(self):
        return f"{super()._repr_html_()}<p>{escape(self._last())}</p>"

    def _last(self):
        return f"It would be {self.change}" if self.change else "No change of the row alters the answer."


def explain(
    decision_tree: Any,
    x: Any,
    *,
    spread: Any = None,
    feature_names: Any = None,
    class_names: Any = None,
    decimals: int = 2,
) -> TreeExplanation:
    """The path of one row through a fitted tree, and the nearest change of the row that would alter the answer.

    The nearest change leads to the leaf of another answer that costs least. The cost is a sum over the columns whose
    value must change: a number costs the distance to the nearest value that leads to the leaf, in units of the column's
    spread; a category, ordered or not, costs 1, and so does giving a value where one is missing; no change takes a
    value away. Of leaves at one cost it is the first in the tree.

    Parameters
    ----------
    decision_tree : estimator
        A fitted decision tree, fastml's or scikit-learn's.
    x : array-like of shape (n_features,) or mapping
        The row: values in the order of the columns, or by their names; None or NaN is missing.
    spread : array-like of shape (n_features,), default=None
        The unit of each numeric column, positive. None takes the largest value met in training minus the smallest; 1
        where all were equal, and in scikit-learn's trees, which do not know it.
    feature_names, class_names : array-like of str, default=None
        Names to use instead of those the tree was fitted with; class names in the order of `classes_`.
    decimals : int, default=2
        Decimals of the thresholds.

    Returns
    -------
    explanation : TreeExplanation
        With `prediction`, `node`, `path` (a list of Step) and `change` (a Change, or None where every leaf gives the
        same answer).

    Raises
    ------
    NotFittedError
        If the tree is not fitted.
    ValueError
        If x has not one value for each column, or one that its column cannot hold, or a missing one in a tree of
        fractional instances.

    Notes
    -----
    The change is the counterfactual explanation of Wachter, Mittelstadt and Russell 2017, exact for a tree.

    Examples
    --------
    >>> from fastml.tree import DecisionTreeClassifier, explain
    >>> tree = DecisionTreeClassifier().fit([[1.0, 5], [2, 5], [3, 5], [3, 9]], ["a", "a", "a", "b"])
    >>> why = explain(tree, [3, 8], feature_names=["size", "age"])
    >>> print(why)
    b: P = 1.00 of 1 sample after 1 test
    test        gain   samples  distribution
    age > 7.00  0.375  4        a 0.75, b 0.25
                0      1        b 1.00
    It would be a if age <= 7.00 (cost 0.25)
    >>> why.prediction, why.change.changes
    ('b', {'age': 7.0})
    """
    view = view_of(decision_tree, feature_names, class_names)
    units = units_of(view, spread)
    row = read_row(view, x)
    if view.fractional:
        known_only(view, row)
    path = walk(view, row)
    steps = [step(view, node, feature, region, decimals) for node, feature, region in path]
    end = path[-1][0]
    change = nearest_change(view, row, view.answer(end), units, decimals)
    details = {"node": end, "path": steps, "change": change}
    columns, rows = table(view, steps)
    return TreeExplanation(view.answer(end), heading(view, end, len(path) - 1, decimals), columns, rows, details)


def heading(view, end, n_tests, decimals):
    n, share = int(view.tree.n_node_samples[end]), view.share(end)
    evidence = f"{n} sample{'s' * (n != 1)}" if share is None else f"P = {share:.2f} of {n} sample{'s' * (n != 1)}"
    return f"{view.answer_text(end, decimals)}: {evidence} after {n_tests} test{'s' * (n_tests != 1)}"


def table(view, steps):
    """(columns, rows) of the printed table."""
    last = "prediction" if view.classes is None else "distribution"
    rows = []
    for one in steps:
        if view.classes is None:
            words = number(float(one.prediction))
        else:
            shares = zip(view.labels, view.tree.value[one.node, 0].tolist(), strict=True)
            words = ", ".join(f"{label} {share:.2f}" for label, share in shares if share > 0)
        rows.append((one.test, one.gain, one.samples, words))
    return ("test", "gain", "samples", last), rows


def step(view, node, feature, region, decimals):
    tree = view.tree
    shares = None
    if view.classes is not None:
        shares = dict(zip(view.classes, tree.value[node, 0].tolist(), strict=True))
    test = "" if feature is None or region is None else view.says(feature, region, decimals)
    if feature is not None and region is None:
        test = f"{view.names[feature]} has a value that no branch is for"
    return Step(node, test, float(tree.gain[node]), int(tree.n_node_samples[node]), shares, view.answer(node))


def walk(view, row):
    """[(node, column tested, region the value is in)] of a row; the column is None at a leaf, the region at a stop."""
    node, path = 0, list[tuple]()
    while True:
        if view.tree.kind[node] == LEAF:
            return [*path, (node, None, None)]
        feature = int(view.tree.feature[node])
        for child, region in view.branches(node):
            if holds(region, row[feature]):
                path.append((node, feature, region))
                node = child
                break
        else:
            return [*path, (node, feature, None)]


def holds(region, value):
    """Whether a value is in a region, as read_value tells values."""
    if region.codes is not None:
        return value in region.codes
    if value is None:
        return region.missing
    return (region.low is None or value > region.low) and (region.high is None or value <= region.high)


def read_row(view, x):
    """A row as the tree compares it: numbers in their column's dtype, codes of categories; see read_value."""
    if hasattr(x, "columns"):
        if x.shape[0] != 1:
            raise ValueError(f"x has {x.shape[0]} rows, but one sample is explained at a time: pass X[i]")
        x = {name: np.asarray(x[name], dtype=object)[0] for name in x.columns}
    if hasattr(x, "keys"):
        absent = [column.name for column in view.columns if column.name not in x]
        if absent:
            raise ValueError(f"x has no value for column {absent[0]!r}; give one for each of the {len(view.columns)}")
        x = [x[column.name] for column in view.columns]
    x = np.asarray(x, dtype=object)
    x = x[0] if x.ndim == 2 and len(x) == 1 else x
    if x.shape != (len(view.columns),):
        raise ValueError(f"x has shape {x.shape}, but one row of {len(view.columns)} values is explained at a time")
    return [read_value(view, column, value) for column, value in zip(view.columns, x, strict=True)]


def known_only(view, row):
    """Refuse a missing value where a tree sends it down every branch."""
    for column, value in zip(view.columns, row, strict=True):
        if value is None or (column.categories is not None and value == len(column.categories)):
            raise ValueError(
                f"x has no value in column {column.name!r}, with which it goes down every branch of a tree of"
                " missing_values='fractional': ask predict_proba, or explain a row of known values"
            )


def read_value(view, column, value):
    """A number, or the code of a category, -1 if it is new. A missing one is None, in unordered categories a code.

    A new category of an ordered column goes where missing ones go, and is None, too.
    """
    value = value.item() if hasattr(value, "item") else value  # Python compares numbers of all types exactly
    missing = type(value).__name__ in ("NoneType", "NAType", "NaTType") or value != value
    if column.categories is None:
        if not missing and not isinstance(value, int | float):
            raise ValueError(f"x has {value!r} in column {column.name!r}, which holds {column.dtype} numbers")
        return None if missing else float(np.float32(value)) if view.rounds else value
    if missing:
        return None if column.split == "ordered" else len(column.categories)
    found = [code for code, category in enumerate(column.categories.tolist()) if category == value]
    return found[0] if found else None if column.split == "ordered" else -1


def units_of(view, spread):
    """The unit of every column, for numbers."""
    if spread is None:
        return [column.spread or 1.0 for column in view.columns]
    units = np.asarray(spread, float)
    if units.shape != (len(view.columns),) or not (np.isfinite(units) & (units > 0)).all():
        raise ValueError(f"spread must have a positive number for each of the {len(view.columns)} columns")
    return units.tolist()


def nearest_change(view, row, answer, units, decimals):
    """The Change of least cost, by a search from the root that always goes on with the cheapest node so far.

    No leaf costs less than a node above it, so the first leaf of another answer is the cheapest.
    """
    queue: list[tuple[float, int, dict]] = [(0.0, 0, {})]  # cost, node, {column: (Region of the path, what it costs)}
    while queue:
        cost, node, regions = heapq.heappop(queue)
        children = view.branches(node)
        if not children and view.answer(node) != answer:
            return change_to(view, row, node, cost, regions, decimals)
        feature = int(view.tree.feature[node])
        for child, region in children:
            both = region.meet(regions[feature][0]) if feature in regions else region
            value = nearest_value(view.columns[feature], both, row[feature])
            if value is None and not holds(both, row[feature]):
                continue  # no known value leads there
            below = {**regions, feature: (both, price_of(view, feature, both, row[feature], value, units))}
            # Added in the order of the columns: equal changes cost the same to the last bit on every path.
            heapq.heappush(queue, (sum(below[j][1] for j in sorted(below)), child, below))
    return None


def price_of(view, feature, region, value, nearest, units):
    """What it costs to bring a value into a region."""
    if holds(region, value):
        return 0.0
    unknown = value is None or view.columns[feature].categories is not None
    return 1.0 if unknown else float(abs(nearest - value)) / units[feature]


def nearest_value(column, region, value):
    """The known value in a region that is nearest to a value, in the column's dtype; None if there is none."""
    if region.codes is not None:
        known = sorted(region.codes - {len(column.categories)})
        return value if value in known else known[0] if known else None
    low, high = region.low, region.high
    if low is not None:
        if low >= top(column):
            return None
        low = following(column, low)
    if high is not None and is_whole(column):
        high = math.floor(high)
    if low is not None and high is not None and low > high:
        return None
    if value is None:
        return low if low is not None else high if high is not None else 0
    if low is not None and value < low:
        return low
    return high if high is not None and value > high else value


def following(column, value):
    """The next larger value of a column's dtype, or code."""
    if is_whole(column):
        return math.floor(value) + 1
    dtype = np.dtype(column.dtype)
    return np.nextafter(dtype.type(value), dtype.type(np.inf)).item()


def is_whole(column):
    """Whether the column holds integers, bools or codes, between which a threshold may lie."""
    return column.categories is not None or np.dtype(column.dtype).kind != "f"


def change_to(view, row, node, cost, regions, decimals):
    """The Change to a leaf, at the end of the path with these regions."""
    changes, tests = {}, []
    for feature, (region, _) in sorted(regions.items()):
        if holds(region, row[feature]):
            continue
        column = view.columns[feature]
        value = nearest_value(column, region, row[feature])
        changes[view.names[feature]] = value if column.categories is None else view.category(feature, value)
        tests.append(view.says(feature, region, decimals, long=None))
    return Change(changes, tests, cost, view.answer(node), node, view.answer_text(node, decimals))
