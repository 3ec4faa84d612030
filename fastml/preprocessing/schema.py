"""The state of the transformers, as fastml.schema reads it: d columns, P places between cuts, f features."""

import numpy as np
from sklearn.preprocessing import PolynomialFeatures

from fastml.preprocessing.templates.schema import TEMPLATES, also_templates
from fastml.schema import (
    COMMON,
    FLOAT,
    any_number,
    anything,
    array,
    each,
    either,
    flag,
    labels,
    may_lack,
    model,
    names,
    nothing,
    number,
    one_of,
    size,
    struct,
    text,
    whole,
)

__all__ = ["ALSO", "SCHEMAS"]

SPANS = struct(
    "Spans",
    starts=array("i8", "d+1", low=0),
    cuts=array(FLOAT, "cuts"),
    begins=array("i8", "places", low=0),
    ends=array("i8", "places", low=0),
    n_columns=whole(),
)
EDGES = array("O", "d")
TABLES = {  # what scaling.ByKernel notes
    "n_features_in_": size("d"),
    "feature_names_in_": may_lack(names),
    "_fast_columns": one_of(-1, "d"),
}


def places(value, sizes):
    """A dict of whole numbers by whole numbers."""
    if type(value) is not dict or not all(isinstance(n, int | np.integer) for pair in value.items() for n in pair):
        raise ValueError("no dict of columns and places")


A_COLUMN = array(FLOAT, "d")
SEEN = either(number(0), array(("i8", *FLOAT), "d", low=0))
SCALERS: dict = {
    "StandardScaler": TABLES
    | {
        "mean_": either(nothing, array("f8", "d")),
        "var_": either(nothing, array("f8", "d")),
        "scale_": either(nothing, array("f8", "d")),
        "n_samples_seen_": SEEN,
    },
    "MinMaxScaler": TABLES
    | dict.fromkeys(("data_min_", "data_max_", "data_range_", "scale_", "min_"), A_COLUMN)
    | {"n_samples_seen_": whole(0)},
    "MaxAbsScaler": TABLES | {"max_abs_": A_COLUMN, "scale_": A_COLUMN, "n_samples_seen_": whole(0)},
    "RobustScaler": TABLES | {"center_": either(nothing, A_COLUMN), "scale_": either(nothing, A_COLUMN)},
    "QuantileTransformer": TABLES
    | {
        "n_quantiles_": size("quantiles"),
        "quantiles_": array(FLOAT, "quantiles", "d"),
        "references_": array("f8", "quantiles", low=0, high=1),
    },
    "PowerTransformer": TABLES | {"lambdas_": A_COLUMN, "_scaler": may_lack(model)},
    "SplineTransformer": TABLES | {"_knots": array("f8", "d", "*"), "n_features_out_": whole(0)},
    "PolynomialFeatures": TABLES
    | {
        "n_output_features_": whole(0),
        "_min_degree": whole(0),
        "_max_degree": whole(0),
        "_n_out_full": whole(0),
    },
    "KBinsDiscretizer": TABLES
    | {
        "bin_edges_": array("O", "d"),
        "n_bins_": array("i8", "d", low=0),
        "_spans": SPANS,
    },
    "Normalizer": TABLES,
    "Binarizer": TABLES,
}
ENCODED = {  # nothing that a kernel follows
    "n_features_in_": size("d"),
    "feature_names_in_": may_lack(names),
    "categories_": each(anything, "d"),
    "_infrequent_enabled": flag,
    "_infrequent_indices": may_lack(each(anything, "d")),
    "_default_to_infrequent_mappings": may_lack(each(anything, "d")),
}
ENCODERS: dict = {
    "OneHotEncoder": ENCODED
    | {
        "drop_idx_": either(nothing, array("O", "d")),
        "_drop_idx_after_grouping": either(nothing, array("O", "d")),
        "_n_features_outs": each(whole(0), "d"),
    },
    "OrdinalEncoder": ENCODED | {"_missing_indices": places},
    "LabelEncoder": {"classes_": labels("k")},
    "LabelBinarizer": {"classes_": labels("k"), "y_type_": text, "sparse_input_": flag},
    "MultiLabelBinarizer": {"classes_": labels("k"), "_cached_dict": nothing},
    "TargetEncoder": {
        "n_features_in_": size("d"),
        "feature_names_in_": may_lack(names),
        "categories_": each(anything, "d"),
        "_infrequent_enabled": flag,
        "encodings_": each(array("f8", "*")),
        "target_type_": one_of("continuous", "binary", "multiclass"),
        "target_mean_": either(any_number, array("f8", "*")),
        "classes_": either(nothing, labels("k")),
    },
}
SCHEMAS: dict = (
    SCALERS
    | ENCODERS
    | {
        "PiecewiseConstant": COMMON
        | {
            "_with_bin": array("b1", "d"),
            "bin_edges_": EDGES,
            "n_bins_": array("i8", "d", low=0),
            "_centres": each(array(FLOAT, "*"), "d"),
            "_spans": SPANS,
            "_codes": array(FLOAT, "places"),
            "_holes": may_lack(array("b1", "d")),
        },
        "Periodic": COMMON
        | {
            "period_": array("f8", "d", finite=True),
            "origin_": array("f8", "d", finite=True),
            "_spans": SPANS,
        },
        "Thermometer": COMMON
        | {
            "levels_": each(lambda value, sizes: one_row(value), "d"),
            "_kinds": each(one_of("bins", "numbers", "categories"), "d"),
            "_spans": SPANS,
            "_places": may_lack(anything),
            "_holes": may_lack(anything),
        },
        "FeatureMap": COMMON
        | {
            "_framed": flag,
            "_columns": each(text, "d"),
            "_features": each(anything, "f"),
            "transformers_": each(either(nothing, model), "f"),
            "_widths": each(whole(1), "f"),
        },
        "FeatureTemplates": TEMPLATES,
    }
)


def one_row(value):
    if type(value) is not np.ndarray or value.ndim != 1:
        raise ValueError("no array of levels")


def also_spans(state, sizes):
    """Every place of a column's cuts has a span of columns that exist."""
    spans, d = state["_spans"], sizes["d"]
    if spans.starts[0] or spans.starts[-1] != len(spans.cuts) or (np.diff(spans.starts) < 0).any():
        raise ValueError("_spans.starts: no ranges of cuts")
    if len(spans.begins) != len(spans.cuts) + 2 * d:
        raise ValueError(f"_spans.begins: {len(spans.begins)} places for {len(spans.cuts)} cuts of {d} columns")
    if spans.n_columns > len(spans.begins) or (spans.ends > spans.n_columns).any():
        raise ValueError(f"_spans.n_columns: {spans.n_columns} for spans that end at {spans.ends.max(initial=0)}")
    if (spans.begins > spans.ends).any():
        raise ValueError("_spans.begins: a span that ends before it begins")


def also_bins(state, sizes):
    also_spans(state, sizes)
    for key in ("cuts",):
        if getattr(state["_spans"], key).dtype != state["_dtype"] or state["_codes"].dtype != state["_dtype"]:
            raise ValueError(f"_spans.{key}: not of {state['_dtype']}")
    for j, edges in enumerate(state["bin_edges_"]):
        array(FLOAT, "*")(edges, {})
        if len(edges) != state["n_bins_"][j] + 1 or len(edges) < 2:
            raise ValueError(f"bin_edges_[{j}]: {len(edges)} edges of {state['n_bins_'][j]} bins")


def also_k_bins(state, sizes):
    also_spans(state, sizes)
    if state["_spans"].cuts.dtype.str[1:] not in FLOAT:
        raise ValueError("_spans.cuts: no floats")
    for j, edges in enumerate(state["bin_edges_"]):
        array(FLOAT, "*")(edges, {})
        if len(edges) != state["n_bins_"][j] + 1:
            raise ValueError(f"bin_edges_[{j}]: {len(edges)} edges of {state['n_bins_'][j]} bins")


def also_products(state, sizes):
    """As many columns as there are products of these degrees, which kernels write."""
    least, largest, options = (
        state["_min_degree"],
        state["_max_degree"],
        (state["interaction_only"], state["include_bias"]),
    )
    for key, low in (("n_output_features_", least), ("_n_out_full", 0)):
        expected = PolynomialFeatures._num_combinations(sizes["d"], low, largest, *options)
        if low > largest or state[key] != expected:
            raise ValueError(f"{key}: {state[key]} columns instead of {expected}")


def also_splines(state, sizes):
    shape, degree = state["_knots"].shape, state["degree"]
    if shape[1] < 2 * degree + 2 or (np.diff(state["_knots"], axis=1) < 0).any():
        raise ValueError(f"_knots: no {shape[1]} ascending knots of degree {degree}")
    splines = shape[1] - degree - 1 - (degree if state["extrapolation"] == "periodic" else 0)
    if state["n_features_out_"] != shape[0] * (splines - 1 + int(state["include_bias"])):
        raise ValueError(f"n_features_out_: {state['n_features_out_']} columns of {splines} splines each")


def also_map(state, sizes):
    """A transformer gives as many columns as the map keeps for it."""
    for i, (width, transformer) in enumerate(zip(state["_widths"], state["transformers_"], strict=True)):
        if transformer is None and width != 1:
            raise ValueError(f"_widths[{i}]: {width} columns for one expression")
        if transformer is not None and hasattr(transformer, "n_features_in_"):
            names = (
                None
                if hasattr(transformer, "feature_names_in_")
                else [f"x{j}" for j in range(transformer.n_features_in_)]
            )
            if len(transformer.get_feature_names_out(names)) != width:
                raise ValueError(f"_widths[{i}]: {width} columns for a transformer that gives others")


def also_encodings(state, sizes):
    """A number for each category, and of several classes one for each class."""
    categories, found = state["categories_"], state["encodings_"]
    classes = len(state["classes_"]) if state["target_type_"] == "multiclass" else 1
    wanted = [len(of_column) for of_column in categories for _ in range(classes)]
    if [len(each) for each in found] != wanted:
        raise ValueError(f"encodings_: {[len(each) for each in found]} numbers of {wanted} categories")


ALSO: dict = {
    "TargetEncoder": also_encodings,
    "SplineTransformer": also_splines,
    "PolynomialFeatures": also_products,
    "KBinsDiscretizer": also_k_bins,
    "PiecewiseConstant": also_bins,
    "Periodic": also_spans,
    "Thermometer": also_spans,
    "FeatureMap": also_map,
    "FeatureTemplates": also_templates,
}
