"""Collections of Dask: tables that are not computed yet, which nothing of fastml computes in silence."""

from typing import Any, NoReturn

import numpy as np

__all__ = ["is_lazy", "refuse_all_lazy", "refuse_lazy"]


def is_lazy(X: Any) -> bool:
    """Whether X is a collection of Dask, by the protocol that all of them keep.

    >>> is_lazy([[1.0]])
    False
    """
    if not hasattr(type(X), "__dask_graph__"):
        return False
    from dask.base import is_dask_collection

    return bool(is_dask_collection(X))


def refuse_lazy(X: Any, what: str = "this") -> NoReturn:
    """Say that X would have to be collected, how large it is, and what to do."""
    shape = getattr(X, "shape", ())
    shape = shape if isinstance(shape, tuple) else ()
    shape = ", ".join("?" if np.isnan(n) else str(n) for n in shape if isinstance(n, int | float))
    told = f" of shape ({shape})" if shape else ""
    size = getattr(X, "nbytes", None) if shape and "?" not in shape else None
    told += f", {size / 1e6:,.1f} MB" if isinstance(size, int) else ""
    raise TypeError(
        f"{what} is a Dask {type(X).__name__}{told}, which is not collected in memory in silence. After `import"
        " fastml.dask`, fit (of a class that learns from parts), predict, predict_proba, transform and score take Dask"
        " collections, and fastml.dask has metrics of them, such as confusion_matrix; where it fits into memory, pass"
        " its .compute()"
    )


def refuse_all_lazy(**given: Any) -> None:
    """Refuse whatever is a collection of Dask among named arguments."""
    for name, value in given.items():
        if is_lazy(value):
            refuse_lazy(value, name)
