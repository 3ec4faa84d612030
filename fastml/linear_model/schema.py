"""The state of the linear models and LinearSVC, as fastml.schema reads it: s rows of weights, d columns, k classes."""

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
    number,
    one_of,
    row_of,
    struct,
    text,
)  # fmt: skip
from fastml_ext.linear.codes import State

__all__ = ["ALSO", "SCHEMAS"]

WEIGHTS = {
    **COMMON,
    "coef_": either(array(FLOAT, "s", "d"), array(FLOAT, "d"), csr(FLOAT, "s", "d"), csr(FLOAT, "d")),
    "intercept_": either(number(), array(FLOAT, "s"), array(FLOAT), array(FLOAT, 1)),
}
REPORTS = dict.fromkeys(("solver_", "n_iter_", "history_", "stopped_", "eta_", "t_"), may_lack(anything))
CLASSIFIER = WEIGHTS | REPORTS | {"classes_": labels("k")}
REGRESSOR = WEIGHTS | REPORTS | {"_one_output": may_lack(flag), "_flat": may_lack(flag)}
EMPTY = array(FLOAT, 0, 0)
PARTS = either(EMPTY, array(FLOAT, "rows", "columns"))
STOCHASTIC = {
    "_state": may_lack(
        either(
            nothing,
            struct(
                "State",
                W=array(FLOAT, "rows", "columns"),
                total=PARTS,
                first=PARTS,
                second=PARTS,
                strength=PARTS,
                touched=array("f8", "*"),
                **dict.fromkeys(State._fields[6:], array("f8", 1)),
            ),
        )
    ),
    "_state_sparse": may_lack(flag),
}
SCHEMAS: dict = {
    "LinearRegression": REGRESSOR | dict.fromkeys(("rank_", "singular_"), may_lack(anything)),
    "Ridge": REGRESSOR,
    "LogisticRegression": CLASSIFIER | dict.fromkeys(("gradient_norm_", "converged_"), may_lack(anything)),
    "LinearSVC": CLASSIFIER | dict.fromkeys(("duality_gap_", "dual_coef_"), may_lack(anything)),
    "SGDClassifier": CLASSIFIER | STOCHASTIC | {"coupling_": may_lack(text)},
    "SGDRegressor": REGRESSOR | STOCHASTIC,
    "Perceptron": CLASSIFIER
    | STOCHASTIC
    | {
        "coupling_": may_lack(one_of("each", "rest", "argmax")),
        "report_": may_lack(anything),
        "_voters": may_lack(
            each(
                row_of(
                    lambda value, sizes: either(array(FLOAT, "*", "d"), csr(FLOAT, "*", "d"))(value, sizes),
                    array("f8", "*"),
                    array("f8", "*"),
                )
            )
        ),
    },
}


def also_weights(state, sizes):
    """One row of weights for each class, or one for two; the stochastic state is that of these weights."""
    rows = sizes.get("s", 1)
    if "classes_" in state and rows != 1 and rows != sizes["k"]:
        raise ValueError(f"coef_: {rows} rows of weights for {sizes['k']} classes")
    if "classes_" in state and rows == 1 and sizes["k"] > 2:
        raise ValueError(f"coef_: one row of weights for {sizes['k']} classes")
    if state.get("_state") is None:
        return
    found, sparse = state["_state"], state.get("_state_sparse", False)
    wanted = (sizes["d"] + 1, rows) if sparse else (rows, sizes["d"] + 1)
    if found.W.shape != wanted:
        raise ValueError(f"_state.W: shape {found.W.shape} instead of {wanted}")
    if found.touched.size not in (0, found.W.size, 2 * found.W.size):
        raise ValueError(f"_state.touched: {found.touched.size} values for weights of shape {wanted}")
    if any(part.dtype != found.W.dtype for part in found[:5]):
        raise ValueError("_state: arrays of several dtypes")
    for updates, intercepts, survived in state.get("_voters", ()):
        if not updates.shape[0] == len(intercepts) == len(survived) - 1:
            raise ValueError("_voters: not a number for each update")


ALSO: dict = dict.fromkeys(SCHEMAS, also_weights)
