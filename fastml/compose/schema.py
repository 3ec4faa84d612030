"""The state of compositions: fitted estimators, each held to its own table, and which columns are whose."""

import numpy as np

from fastml.schema import (
    anything,
    each,
    either,
    flag,
    may_lack,
    model,
    names,
    nothing,
    one_of,
    row_of,
    size,
    text,
    whole,
)

__all__ = ["ALSO", "SCHEMAS"]


def slices(value, sizes):
    """A dict of slices by name."""
    if type(value) is not dict or not all(type(k) is str and type(v) is slice for k, v in value.items()):
        raise ValueError("no dict of slices")


def places(value, sizes):
    """A dict of lists of columns of X by name."""
    if type(value) is not dict:
        raise ValueError("no dict of columns")
    for columns in value.values():
        if any(not isinstance(j, int | np.integer) or not 0 <= j < sizes["d"] for j in columns):
            raise ValueError("columns that X has not")


STEP = either(model, one_of("drop", "passthrough"))
SCHEMAS: dict = {
    "ColumnTransformer": {
        "n_features_in_": size("d"),
        "feature_names_in_": may_lack(names),
        "transformers_": each(row_of(text, STEP, anything)),
        "sparse_output_": may_lack(flag),
        "output_indices_": may_lack(slices),
        "_columns": each(anything),
        "_transformer_to_input_indices": places,
        "_remainder": row_of(text, STEP, anything),
        "_transformers_feature_names_out": may_lack(anything),
    },
    "TransformedTargetRegressor": {
        "regressor_": model,
        "transformer_": either(nothing, model),
        "_training_dim": whole(1),
        "_n_outputs": may_lack(whole(1)),
        "feature_names_in_": may_lack(anything),
    },
}


def also_columns(state, sizes):
    """Every transformer has its columns."""
    known = state["_transformer_to_input_indices"].keys()
    for name, step, _ in state["transformers_"]:
        if name not in known or (
            step != "drop" and "output_indices_" in state and name not in state["output_indices_"]
        ):
            raise ValueError(f"transformers_: {name!r} has no columns")


def also_target(state, sizes):
    if state["transformer_"] is None and "_n_outputs" not in state:
        raise ValueError("transformer_: None where the target is not taken back by a function")


ALSO: dict = {"ColumnTransformer": also_columns, "TransformedTargetRegressor": also_target}
