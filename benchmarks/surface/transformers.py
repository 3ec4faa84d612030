"""The steps before a model that `--transformers` draws over; each number of a result is held to scikit-learn's."""

import numpy as np
from families import Family

__all__ = ["TRANSFORMERS"]


def differs(within):
    """A check that all but a thousandth of the numbers are the same within that share of the largest."""

    def worse(problem, X, y, ours, theirs):
        a, b = (dense(model.transform(X[:2000])) for model in (ours, theirs))
        if a.shape != b.shape:
            return f"a table of {a.shape} instead of {b.shape}"
        limit = within if problem.dtype == "float64" else max(within, 1e-3)
        known = np.isfinite(b)
        top = np.abs(b[known]).max(initial=0) + 1e-12
        same = np.mean(np.abs(np.where(known, a, 0) - np.where(known, b, 0)) <= limit * top)
        return None if same >= 0.999 else f"{same:.4f} of the numbers are the same"

    return worse


def dense(table):
    return table.toarray() if hasattr(table, "toarray") else np.asarray(table)


def step(module, name, settings=None, within=1e-6, **options):
    return Family(module, name, differs(within), settings or {}, sparse=False, method="transform", **options)


SEED = {"random_state": 0}
TRANSFORMERS = {
    "StandardScaler": step("preprocessing", "StandardScaler"),
    "MinMaxScaler": step("preprocessing", "MinMaxScaler"),
    "MaxAbsScaler": step("preprocessing", "MaxAbsScaler"),
    "RobustScaler": step("preprocessing", "RobustScaler"),
    "SimpleImputer": step("impute", "SimpleImputer", {"strategy": ["mean", "median"]}),
    "QuantileTransformer": step(
        "preprocessing", "QuantileTransformer", {"output_distribution": ["uniform", "normal"]}, fixed=SEED
    ),
    "PowerTransformer": step("preprocessing", "PowerTransformer", within=1e-3, most_rows=20_000, most_columns=30),
    "KBinsDiscretizer": step(
        "preprocessing", "KBinsDiscretizer",
        {"strategy": ["uniform", "quantile"], "encode": ["onehot", "onehot-dense", "ordinal"]}, fixed=SEED,
    ),
    "PolynomialFeatures": step(
        "preprocessing", "PolynomialFeatures", {"interaction_only": [False, True], "order": ["C", "F"]},
        most_columns=60,
    ),
    "SplineTransformer": step(
        "preprocessing", "SplineTransformer", {"knots": ["uniform", "quantile"], "degree": [1, 3]}, most_columns=100
    ),
    "PCA": step("decomposition", "PCA", within=1e-3, fixed={"n_components": 1} | SEED, kinds=("correlated",)),
    "IncrementalPCA": step(
        "decomposition", "IncrementalPCA", within=1e-2, fixed={"n_components": 1}, kinds=("correlated",),
        most_rows=20_000, most_columns=100,
    ),
}  # fmt: skip
