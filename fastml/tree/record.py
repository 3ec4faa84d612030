"""A tree as a dictionary that JSON can hold, with nothing lost, and back."""

import json
from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin, RegressorMixin

from fastml.tree.view import plain
from fastml.tree.view import view as view_of
from fastml_ext.tree.structure import LEAF, MULTIWAY, NUMERIC, SUBSET, Column, Tree, exact_threshold
from fastml_ext.tree.thresholds import nearest_below

__all__ = ["estimator_from_dict", "from_dict", "to_dict", "to_json"]

FORMAT, VERSION = "fastml.tree", 1
KINDS = {LEAF: "leaf", NUMERIC: "numeric", MULTIWAY: "multiway", SUBSET: "subset"}


def to_dict(decision_tree: Any) -> dict:
    """A fitted tree as a dictionary of plain values, from which `from_dict` makes an equal estimator.

    Nodes are a flat list in depth-first order, the root first, and name their children by their places in it, so that
    trees of any depth can be written. Thresholds are exact: JSON writes every digit that a float64 or an integer has.

    Parameters
    ----------
    decision_tree : estimator
        A fitted decision tree, fastml's or scikit-learn's.

    Returns
    -------
    data : dict
        "format", "version", "estimator" (name of its class), "parameters" (those that are plain values),
        "columns" (name, split, dtype, categories), "classes" (None in regression) and "nodes".

    Raises
    ------
    NotFittedError
        If the tree is not fitted.
    TypeError
        If a label or category is not a string, number, bool or None.

    Examples
    --------
    >>> from fastml.tree import DecisionTreeClassifier
    >>> data = DecisionTreeClassifier().fit([[1.5], [2.5]], ["a", "b"]).to_dict()
    >>> data["nodes"][0]["kind"], data["nodes"][0]["threshold"], data["nodes"][0]["branches"]
    ('numeric', 2.0, [1, 2])
    >>> DecisionTreeClassifier.from_dict(data).predict([[2.25]])
    array(['b'], dtype='<U1')
    """
    view = view_of(decision_tree)
    labels = None
    if view.classes is not None:
        labels = values_out(np.asarray(decision_tree.classes_), "a label")
    parameters = decision_tree.get_params(deep=False) if hasattr(decision_tree, "get_params") else {}
    return {
        "format": FORMAT,
        "version": VERSION,
        "estimator": type(decision_tree).__name__,
        "parameters": {name: value for name, value in parameters.items() if is_plain(value)},
        "columns": [column_out(column) for column in view.columns],
        "classes": labels,
        "nodes": [node_out(view, node) for node in range(view.tree.node_count)],
    }


def to_json(decision_tree: Any, **options: Any) -> str:
    """`to_dict` as JSON text; options as for json.dumps, such as indent=2.

    Examples
    --------
    >>> from fastml.tree import DecisionTreeRegressor, to_json
    >>> to_json(DecisionTreeRegressor().fit([[1]], [0.5]))[-90:]
    '"nodes": [{"kind": "leaf", "impurity": 0.0, "samples": 1, "weight": 1.0, "value": [0.5]}]}'
    """
    return json.dumps(to_dict(decision_tree), allow_nan=False, **options)


def estimator_from_dict(cls: Any, data: Any) -> Any:
    """An estimator of the class `cls` with the tree of a dictionary, or of JSON text, that `to_dict` made."""
    data = read(data)
    regressor = data["classes"] is None
    if issubclass(cls, ClassifierMixin if regressor else RegressorMixin):
        other = "regression" if regressor else "classification"
        raise ValueError(f"data is a tree of {other}, which {cls.__name__} is not for; it was {data['estimator']}")
    model = cls(**{name: value for name, value in data["parameters"].items() if name in cls._get_param_names()})
    columns = [column_in(column) for column in data["columns"]]
    model._restore(tree_in(data["nodes"], columns), columns, None if regressor else values_in(data["classes"]))
    return model


def from_dict(data: Any) -> Any:
    """The estimator that `to_dict` or `to_json` wrote, of the class that it was.

    Parameters
    ----------
    data : dict or str
        What `to_dict` made, or the JSON text of it.

    Returns
    -------
    estimator : DecisionTreeClassifier, DecisionTreeRegressor or ID3Classifier

    Raises
    ------
    ValueError
        If data is no such dictionary, or one of a later version.

    Examples
    --------
    >>> from fastml.tree import DecisionTreeClassifier, from_dict
    >>> from_dict(DecisionTreeClassifier(max_depth=3).fit([[1.5], [2.5]], ["a", "b"]).to_json())
    DecisionTreeClassifier(max_depth=3)
    """
    from fastml.tree import classes

    data = read(data)
    if data["estimator"] not in classes.__all__:
        raise ValueError(f"data was a {data['estimator']}; it must be one of {', '.join(classes.__all__)}")
    return estimator_from_dict(getattr(classes, data["estimator"]), data)


def read(data):
    """The dictionary, checked."""
    data = json.loads(data) if isinstance(data, str | bytes) else data
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise ValueError(f"data is no tree: its 'format' must be {FORMAT!r}; to_dict writes such dictionaries")
    if data["version"] > VERSION:
        raise ValueError(f"data has version {data['version']}, this fastml reads up to {VERSION}: upgrade fastml")
    return data


def node_out(view, node):
    tree = view.tree
    kind = int(tree.kind[node])
    out: dict[str, Any] = {"kind": KINDS[kind]}
    if kind != LEAF:
        feature = int(tree.feature[node])
        column = view.columns[feature]
        out |= {"column": plain(column.name), "feature": feature, "gain": number_out(float(tree.gain[node]))}
        if kind == NUMERIC:
            out["threshold"] = number_out(exact_threshold(tree, node, column.dtype).item())
            out["missing_go_to_left"] = bool(tree.missing_go_to_left[node])
            out["branches"] = [int(tree.children_left[node]), int(tree.children_right[node])]
        else:
            at = slice(tree.category_start[node], tree.category_start[node + 1])
            out["codes"], out["branches"] = tree.category_code[at].tolist(), tree.category_child[at].tolist()
            out["categories"] = [category_out(view.category(feature, code)) for code in out["codes"]]
            if kind == SUBSET:
                out["left_right"] = [int(tree.children_left[node]), int(tree.children_right[node])]
    return out | {
        "impurity": number_out(float(tree.impurity[node])),
        "samples": int(tree.n_node_samples[node]),
        "weight": float(tree.weighted_n_node_samples[node]),
        "value": tree.value[node, 0].tolist(),
    }


def tree_in(nodes, columns):
    """The arrays of a list of nodes."""
    n = len(nodes)
    codes = {kind: code for code, kind in KINDS.items()}
    kind = np.array([codes[node["kind"]] for node in nodes], np.uint8)
    left, right, feature = (np.full(n, fill, np.int64) for fill in (-1, -1, -2))
    threshold, threshold_int = np.full(n, -2.0), np.zeros(n, np.int64)
    missing, start, code, child = np.zeros(n, bool), np.zeros(n + 1, np.int64), [], []
    for i, node in enumerate(nodes):
        if kind[i] != LEAF:
            feature[i] = node["feature"]
        if kind[i] == NUMERIC:
            threshold[i], threshold_int[i] = threshold_in(node["threshold"], columns[feature[i]].dtype)
            missing[i] = node["missing_go_to_left"]
            left[i], right[i] = node["branches"]
        elif kind[i] != LEAF:
            code += node["codes"]
            child += node["branches"]
            left[i], right[i] = node["left_right"] if kind[i] == SUBSET else (-3, -3)
        start[i + 1] = len(code)
    value = np.array([node["value"] for node in nodes], float)[:, None, :]
    return Tree(
        left, right, feature, kind, threshold, threshold_int, missing,
        np.array([float(node["impurity"]) for node in nodes]),
        np.array([node["samples"] for node in nodes], np.int64),
        np.array([node["weight"] for node in nodes], float),
        value, np.array([float(node.get("gain", 0.0)) for node in nodes]),
        start, np.array(code, np.int64), np.array(child, np.int64), len(columns),
    )  # fmt: skip


def threshold_in(threshold, dtype):
    """(threshold, threshold_int) of a written threshold."""
    if np.dtype(dtype).kind == "f":
        return float(threshold), 0
    if isinstance(threshold, float):  # between two integers
        return threshold, int(np.floor(threshold))
    bits = np.array([threshold], np.uint64 if threshold >= 2**63 else np.int64).view(np.int64)
    nothing_is_more = threshold == np.iinfo(np.int64).max and dtype != np.uint64
    return np.inf if nothing_is_more else float(nearest_below(np.array([threshold]))[0]), bits[0]


def column_out(column):
    out = {"name": column.name, "split": column.split, "dtype": np.dtype(column.dtype).name, "categories": None}
    if column.categories is not None:
        out["categories"] = values_out(column.categories, f"a category of column {column.name!r}")
    rest = column._fields[4:]
    return out | {name: number_out(getattr(column, name)) for name in rest}


def column_in(data):
    categories = None if data["categories"] is None else values_in(data["categories"])
    rest = {name: float(x) if isinstance(x, str) else x for name, x in data.items() if name in Column._fields[4:]}
    return Column(data["name"], data["split"], np.dtype(data["dtype"]), categories, **rest)


def values_out(values, what):
    """An array of labels or categories; its dtype, too, so that it comes back the same."""
    out = values.tolist()
    for value in out:
        if not is_plain(value):
            raise TypeError(f"{what} is {value!r}, a {type(value).__name__}, which JSON cannot hold: use strings")
    return {"dtype": values.dtype.str, "values": [number_out(value) for value in out]}


def values_in(data):
    dtype = np.dtype(data["dtype"])
    values = [float(x) for x in data["values"]] if dtype.kind == "f" else data["values"]
    out = np.empty(len(values), dtype)
    out[:] = values
    return out


def category_out(value):
    return value if is_plain(value) else str(value)


def number_out(value):
    """A float that JSON has no word for, as the text that float() reads."""
    if isinstance(value, np.generic):
        value = value.item()
    return str(value) if isinstance(value, float) and not np.isfinite(value) else value


def is_plain(value):
    return value is None or isinstance(value, str | bool | int | float)
