"""The state of the networks, as fastml.schema reads it: d columns, o outputs, w weights in all, k classes."""

from itertools import pairwise

from fastml.schema import (
    COMMON,
    FLOAT,
    anything,
    array,
    each,
    either,
    flag,
    labels,
    may_lack,
    nothing,
    one_of,
    size,
    whole,
)
from fastml_ext.neural.codes import ACTIVATIONS

__all__ = ["ALSO", "SCHEMAS"]

MOMENTS = may_lack(either(nothing, array(FLOAT, 0), array(FLOAT, "w")))
REPORTS = (
    "loss_", "best_loss_", "loss_curve_", "validation_scores_", "best_validation_score_", "history_", "stopped_",
    "learning_rate_", "_facts",
)  # fmt: skip
LAYERS = {
    **COMMON,
    "n_layers_": size("layers", 2),
    "n_outputs_": size("o"),
    "_units": each(whole(1), "layers"),
    "out_activation_": one_of(*ACTIVATIONS),
    "coefs_": each(array(FLOAT, "*", "*")),
    "intercepts_": each(array(FLOAT, "*")),
    "_first": MOMENTS,
    "_second": MOMENTS,
    "n_iter_": may_lack(whole()),
    "t_": may_lack(whole()),
    "_steps": may_lack(whole()),
    **dict.fromkeys(REPORTS, may_lack(anything)),
}


def also_layers(state, sizes):
    """Each layer takes what the one before it gives; moments are one for each weight."""
    units, dtype = state["_units"], state["_dtype"]
    if units[0] != sizes["d"] or units[-1] != sizes["o"]:
        raise ValueError(f"_units: {units} for {sizes['d']} columns and {sizes['o']} outputs")
    shapes = [list(pairwise(units)), [(n,) for n in units[1:]]]
    for key, wanted in zip(("coefs_", "intercepts_"), shapes, strict=True):
        found = [part.shape for part in state[key]]
        if found != wanted or any(part.dtype != dtype for part in state[key]):
            raise ValueError(f"{key}: shapes {found} instead of {wanted}, of {dtype}")
    if sizes.get("w", 0) not in (0, sum((a + 1) * b for a, b in pairwise(units))):
        raise ValueError("_first: not one for each weight")
    for key in ("_first", "_second"):
        if state.get(key) is not None and state[key].dtype != dtype:
            raise ValueError(f"{key}: of {state[key].dtype}")


def also_classes(state, sizes):
    also_layers(state, sizes)
    outputs = sizes["k"] if state["_several"] or sizes["k"] > 2 else 1
    if sizes["o"] != outputs:
        raise ValueError(f"n_outputs_: {sizes['o']} for {sizes['k']} classes")


SCHEMAS: dict = {
    "MLPClassifier": LAYERS | {"classes_": labels("k"), "_several": flag},
    "MLPRegressor": LAYERS | {"_one_output": may_lack(flag), "_flat": may_lack(flag)},
}
ALSO: dict = {"MLPClassifier": also_classes, "MLPRegressor": also_layers}
