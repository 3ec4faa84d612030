"""The state of naive Bayes, as fastml.schema reads it: k classes, d columns."""

from fastml.schema import COMMON, FLOAT, anything, array, each, flag, labels, may_lack, number, one_of, row_of, struct

__all__ = ["ALSO", "SCHEMAS"]

LOGS = array("f8", "k", "d")
COUNTS = array("f8", "k", "d", low=0)
COUNTED = {**COMMON, "classes_": labels("k"), "class_count_": array("f8", "k", low=0, finite=True)}
SMOOTHED = COUNTED | {"class_log_prior_": array("f8", "k")}
WEIGHED = SMOOTHED | {"feature_count_": COUNTS, "feature_log_prob_": LOGS, "_column_order": flag}


def moments(columns):
    return row_of(*[array("f8", "k", columns)] * 3)


def kinds(value, sizes):
    """The type of each column, which says how many there are of each."""
    each(one_of("real", "categorical", "count"), "d")(value, sizes)
    sizes |= {f"n_{kind}": value.count(kind) for kind in ("real", "categorical", "count")}


TABLES = each(array("f8", "k", "*"), "n_categorical")
SCHEMAS: dict = {
    "GaussianNB": COUNTED
    | {
        "_moments": moments("d"),
        "epsilon_": number(),
        "theta_": array(FLOAT, "k", "d"),
        "var_": array(FLOAT, "k", "d", low=0),
        "class_prior_": array(FLOAT, "k", low=0),
    },
    "MultinomialNB": WEIGHED,
    "ComplementNB": WEIGHED | {"feature_all_": array("f8", "d")},
    "BernoulliNB": SMOOTHED
    | {"feature_count_": COUNTS, "_missing_count": COUNTS, "feature_log_prob_": LOGS, "_absent_log_prob": LOGS},
    "CategoricalNB": SMOOTHED
    | {
        "n_categories_": array("i8", "d", low=1),
        "category_count_": each(array("f8", "k", "*", low=0), "d"),
        "feature_log_prob_": each(array("f8", "k", "*"), "d"),
        "_unseen": each(array("f8", "k", 1), "d"),
    },
    "MixedNB": SMOOTHED
    | {
        "kinds_": kinds,
        "_counted": struct(
            "Counted",
            moments=moments("n_real"),
            values=each(each(anything), "n_categorical"),
            tables=TABLES,
            sums=array("f8", "k", "n_count", low=0),
        ),
        "epsilon_": number(),
        "theta_": array(FLOAT, "k", "n_real"),
        "var_": array(FLOAT, "k", "n_real", low=0),
        "categories_": each(each(anything), "n_categorical"),
        "category_count_": TABLES,
        "category_log_prob_": TABLES,
        "_unseen": each(array("f8", "k", 1), "n_categorical"),
        "count_log_prob_": array("f8", "k", "n_count"),
        "_values": may_lack(anything),
    },
}


def also_categories(state, sizes):
    """The tables of a column are as wide as it has categories."""
    for j, count in enumerate(state["n_categories_"].tolist()):
        for key in ("category_count_", "feature_log_prob_"):
            if state[key][j].shape[1] != count:
                raise ValueError(f"{key}[{j}]: {state[key][j].shape[1]} categories instead of {count}")


def also_mixed(state, sizes):
    counted = state["_counted"]
    for values, tables in (
        (counted.values, [counted.tables]),
        (state["categories_"], [state["category_count_"], state["category_log_prob_"]]),
    ):
        for table in tables:
            for j, (found, column) in enumerate(zip(values, table, strict=True)):
                if column.shape[1] != len(found):
                    raise ValueError(f"category_count_[{j}]: {column.shape[1]} columns for {len(found)} categories")
                hash(tuple(found))
    if state["_fast_columns"] != -1 and set(state["kinds_"]) != {"real"}:
        raise ValueError("_fast_columns: columns that are not plain numbers")


ALSO: dict = {"CategoricalNB": also_categories, "MixedNB": also_mixed}
