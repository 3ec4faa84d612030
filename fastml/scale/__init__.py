"""Tables beyond memory: files and streams of rows that `fit` takes in the place of X and y.

`model.fit(fastml.scale.npy("X.npy", y="y.npy"))` reads the file a piece at a time; the result has the same bits however
the rows are cut into files and pieces, and however many threads work. See docs/scale.md.
"""

import importlib

__all__ = [
    "Engine", "Parts", "RandomFolds", "Reduction", "Rows", "Survey", "arrays", "arrow", "chunks", "coded",
    "confusion_matrix", "cross_val_score", "csv", "folds", "kneighbors", "npy", "parquet", "partial_fit", "predict",
    "predict_from", "score", "spread", "survey", "transform",
]  # fmt: skip

PLACES = {
    "fitting": ["partial_fit"],
    "nearest": ["kneighbors", "predict_from"],
    "output": ["predict", "transform"],
    "parts": ["Parts", "coded"],
    "reduction": ["Reduction", "Rows"],
    "scores": ["confusion_matrix", "score"],
    "sides": ["RandomFolds"],
    "sources": ["arrays", "arrow", "chunks", "csv", "npy", "parquet"],
    "spreading": ["Engine", "spread"],
    "surveys": ["Survey", "survey"],
    "validation": ["cross_val_score", "folds"],
}


def __getattr__(name):
    for module, names in PLACES.items():
        if name in names:
            return getattr(importlib.import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted({*globals(), *__all__})
