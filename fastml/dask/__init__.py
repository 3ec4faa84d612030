"""Dask arrays and data frames in fastml's estimators: the bits of a fit on one machine, predictions that stay lazy.

`model.fit(X, y)` of collections works where they are, on the cluster of the current `dask.distributed.Client` or on
threads; the result is that of `fastml.scale`, whatever the parts, the workers and their accidents. Importing this
module teaches `predict`, `predict_proba`, `transform`, `score` and their like to take collections. See docs/scale.md.
"""

from fastml.dask.asking import predict, score, teach
from fastml.dask.collections import parts
from fastml.dask.engine import spread
from fastml.dask.metrics import (
    accuracy_score,
    average_precision_score,
    confusion_matrix,
    explained_variance_score,
    log_loss,
    mean_absolute_error,
    mean_squared_error,
    r2_score,
    roc_auc_score,
    top_k_accuracy_score,
)
from fastml.dask.tasks import workers

__all__ = [
    "accuracy_score", "average_precision_score", "confusion_matrix", "explained_variance_score", "log_loss",
    "mean_absolute_error", "mean_squared_error", "parts", "predict", "r2_score", "roc_auc_score", "score", "spread",
    "top_k_accuracy_score", "workers",
]  # fmt: skip

teach()
