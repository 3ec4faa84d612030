"""The state of the estimators by neighbours, as fastml.schema reads it: n points, d columns, o outputs."""

import numpy as np
from scipy.sparse import issparse

from fastml.neighbors.choice import choose
from fastml.neighbors.metrics import resolve
from fastml.schema import (
    COMMON,
    FLOAT,
    anything,
    array,
    csr,
    each,
    either,
    flag,
    labels,
    may_lack,
    nothing,
    one_of,
    size,
    text,
    types,
    whole,
)  # fmt: skip

__all__ = ["ALSO", "SCHEMAS"]

POINTS = {
    **COMMON,
    "_fit_X": either(array((*FLOAT, "i1", "u1", "i2", "u2"), "n", "d"), csr(FLOAT, "n", "d")),
    "n_samples_fit_": size("n"),
    "algorithm_": one_of("brute", "kd_tree"),
    "effective_metric_": text,
    "effective_metric_params_": anything,
}
COPIES = {"_copies": may_lack(either(nothing, array("f8", "n", low=0, finite=True)))}
CLASSIFIER = {
    **POINTS,
    **COPIES,
    "outputs_2d_": flag,
    "_labels": each(lambda value, sizes: labels("*")(value, {}), "o"),
    "classes_": either(labels("k"), each(lambda value, sizes: labels("*")(value, {}), "o")),
    "_codes": each(array("i8", "n", low=0), "o"),
    "_class_votes": each(either(nothing, array("f8", "*", low=0, finite=True)), "o"),
}
REGRESSOR = {
    **POINTS,
    **COPIES,
    "_one_output": flag,
    "_target_dtype": types(*FLOAT),
    "_targets": array("f8", "n", "*", finite=True),
}
SCHEMAS: dict = {
    "KDTree": {},
    "NearestNeighbors": POINTS,
    "NeighborhoodComponentsAnalysis": COMMON | {"components_": array("f8", "*", "d"), "n_iter_": whole(1)},
    "KNeighborsClassifier": CLASSIFIER,
    "KNeighborsRegressor": REGRESSOR,
    "RadiusNeighborsClassifier": CLASSIFIER | {"outlier_label_": either(nothing, each(anything, "o"))},
    "RadiusNeighborsRegressor": REGRESSOR,
}


def also_points(state, sizes):
    """The metric serves the points; none of them has a place that no distance can be told of."""
    points, metric = state["_fit_X"], resolve(
        state.get("metric", "minkowski"), 2 if state.get("p", 2) is None else state.get("p", 2),
        state.get("metric_params"), sizes["d"],
    )  # fmt: skip
    values = points.data if issparse(points) else points
    holes = metric.row.missing
    if values.dtype.kind == "f" and not (np.isfinite(values) | (np.isnan(values) if holes else False)).all():
        raise ValueError("_fit_X: points that are not finite")
    if state["_dtype"] != (points.dtype if points.dtype.kind == "f" else np.float64):
        raise ValueError(f"_dtype: {state['_dtype']} for points of {points.dtype}")
    if metric.name == "precomputed" and sizes["n"] != sizes["d"]:
        raise ValueError(f"_fit_X: {points.shape}, but a table of distances is square")
    algorithm = "brute" if issparse(points) else state["algorithm_"]
    if choose(algorithm, metric, points, None) != state["algorithm_"]:
        raise ValueError(f"algorithm_: {state['algorithm_']!r} does not serve these points")


def also_classes(state, sizes):
    """Codes lie below the number of labels; `classes_` are the labels."""
    also_points(state, sizes)
    several = state["outputs_2d_"]
    named = state["classes_"] if several else [state["classes_"]]
    if several != isinstance(state["classes_"], list) or len(named) != len(state["_labels"]):
        raise ValueError("classes_: not as many as outputs_2d_ says")
    for o, (found, codes, votes) in enumerate(
        zip(state["_labels"], state["_codes"], state["_class_votes"], strict=True)
    ):
        if codes.size and codes.max() >= len(found):
            raise ValueError(f"_codes[{o}]: a code of {codes.max()} for {len(found)} labels")
        if len(named[o]) != len(found) or (votes is not None and len(votes) != len(found)):
            raise ValueError(f"_class_votes[{o}] and classes_: not one for each of {len(found)} labels")


ALSO: dict = {
    name: also_classes if "_codes" in rules else also_points for name, rules in SCHEMAS.items() if "_fit_X" in rules
}
