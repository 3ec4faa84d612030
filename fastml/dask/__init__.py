"""Dask arrays and data frames in fastml's estimators: the bits of a fit on one machine, predictions that stay lazy.

`model.fit(X, y)` of collections works where they are, on the cluster of the current `dask.distributed.Client` or on
threads; the result is that of `fastml.scale`, whatever the parts, the workers and their accidents. Importing this
module teaches `predict`, `predict_proba`, `transform`, `score` and their like to take collections. See docs/scale.md.
"""

from fastml.dask.asking import confusion_matrix, predict, score, teach
from fastml.dask.collections import parts
from fastml.dask.engine import spread

__all__ = ["confusion_matrix", "parts", "predict", "score", "spread"]

teach()
