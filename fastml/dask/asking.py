"""Questions to fitted models about Dask's collections: answers stay lazy, scores are counted where the rows are."""

import functools
import inspect
from types import FunctionType
from typing import Any

import numpy as np

from fastml import base
from fastml.dask.collections import parts
from fastml.dask.engine import shared, task
from fastml.kinds.lazy import is_lazy, refuse_lazy
from fastml.scale import scores
from fastml.scale.fitting import fit_parts
from fastml.scale.output import asked_of_none, asking

__all__ = ["fit_lazy", "predict", "score", "teach"]

ASKING = ("predict", "predict_proba", "predict_log_proba", "decision_function", "transform", "score")


def predict(model: Any, X: Any, *, method: str = "predict") -> Any:
    """What a fitted model says of each row of a Dask collection: a Dask array, not computed yet.

    Parameters
    ----------
    model : fitted estimator
        Of fastml, scikit-learn or others.
    X : dask.array.Array or dask.dataframe.DataFrame
        The rows; columns of a frame are found by their names where the model knows them.
    method : str, default="predict"
        The method asked: "predict", "predict_proba", "decision_function", "transform", ...

    Returns
    -------
    dask.array.Array
        Of as many parts as X; its lengths are unknown where those of X are.

    Examples
    --------
    >>> import dask.array as da
    >>> import fastml.dask
    >>> from fastml.naive_bayes import GaussianNB
    >>> model = GaussianNB().fit([[0.0], [1.0], [5.0], [6.0]], [0, 0, 1, 1])
    >>> found = fastml.dask.predict(model, da.from_array([[0.5], [7.0]], chunks=1))
    >>> found.numblocks, found.compute().tolist()
    ((2,), [0, 1])
    """
    import dask.array as da

    if not callable(getattr(model, method, None)):
        raise TypeError(f"{type(model).__name__} has no method {method!r}")
    table, who = parts(X), type(model).__name__
    width = getattr(model, "n_features_in_", table.n_features)
    if width != table.n_features and (table.names is None or not hasattr(model, "feature_names_in_")):
        raise ValueError(f"X has {table.n_features} features, but {who} is expecting {width} features as input.")
    ask = asking(model, table, method)
    none = asked_of_none(model, table, method)
    if none.dtype.kind == "U":  # texts as long as the longest class, not as that of a row of zeros
        none = none.astype(np.asarray(getattr(model, "classes_", none)).dtype)
    work = shared((ask, who, table.source, none))
    if not hasattr(X, "columns"):  # as many parts, empty ones among them
        X, width = X.rechunk({1: X.shape[1]}), none.shape[1:]
        options = {"drop_axis": 1} if none.ndim == 1 else {"chunks": (X.chunks[0], width)}
        return X.map_blocks(answers_of_block, work, dtype=none.dtype, meta=none, **options)
    found = [task(answers_of_part)(work, number, part) for number, part in enumerate(table.X)]
    arrays = [da.from_delayed(part, (np.nan, *none.shape[1:]), none.dtype) for part in found]
    return da.concatenate(arrays, allow_unknown_chunksizes=True)


def answers_of_block(X: np.ndarray, work: tuple, block_id: tuple = (0,)) -> np.ndarray:
    return answers_of_part(work, block_id[0], X)


def answers_of_part(work: tuple, number: int, X: Any) -> np.ndarray:
    ask, who, described, none = work
    described = described._replace(has_target=False, has_weight=False)
    slab = described.slab(who, number, X, None, None, 0)
    if not len(slab.X):
        return none
    try:
        found = ask(slab.X)
    except (TypeError, ValueError) as error:
        raise type(error)(f"part {number} of {described.what}: {error}") from None
    return found.astype(none.dtype, copy=False) if found.dtype.kind in "US" else found


def score(model: Any, X: Any, y: Any, *, sample_weight: Any = None, scoring: Any = None) -> Any:
    """How good a fitted model is, by counts and sums where the rows are.

    Parameters
    ----------
    model : fitted estimator
    X : dask.array.Array or dask.dataframe.DataFrame
    y : Dask array or series, or array of shape (n_samples,), or name of a column of X
    sample_weight : as y, default=None
        Weights of the rows.
    scoring : str or list of str, default=None
        Which measures, as for `fastml.scale.score`.

    Returns
    -------
    float or dict
        That of `fastml.scale.score`, to the last bit.

    Examples
    --------
    >>> import dask.array as da
    >>> import fastml.dask
    >>> from fastml.linear_model import LinearRegression
    >>> model = LinearRegression().fit([[0.0], [1.0]], [1.0, 3.0])
    >>> fastml.dask.score(model, da.from_array([[0.0], [2.0]], chunks=1), da.from_array([1.0, 5.0], chunks=1))
    1.0
    """
    return scores.score(model, parts(X, y, sample_weight=sample_weight), scoring)


def fit_lazy(model: Any, method: str, X: Any, y: Any = None, *others: Any, **options: Any) -> Any:
    """What a method that learns does with collections of Dask; fastml.base sends them here."""
    if method in ("fit_transform", "fit_predict"):
        fitted = fit_lazy(model, "fit", X, y, *others, **options)
        return predict(fitted, X, method=method.removeprefix("fit_"))
    if method == "partial_fit" and others and "classes" not in options:
        options["classes"], *others = others  # type: ignore[assignment]
    weight = options.pop("sample_weight", None)
    if method == "fit" and weight is None and others and takes_weights(model):
        weight, *others = others  # type: ignore[assignment]
    table = parts(X, y, sample_weight=weight)
    return fit_parts(model, method, (table, *others), options)


def takes_weights(model: Any) -> bool:
    """Whether what follows X and y in fit is the weights."""
    return list(inspect.signature(model.fit).parameters)[2:3] == ["sample_weight"]


def teach() -> None:
    """Let the methods of every class of fastml that ask about rows answer for collections, those to come as well."""
    if teach_class not in base.newcomers:
        base.newcomers.append(teach_class)
        below = [base.Estimator]
        while below:
            cls = below.pop()
            teach_class(cls)
            below += cls.__subclasses__()


def teach_class(cls: type) -> None:
    for name in ASKING if cls.__module__.partition(".")[0] == "fastml" else ():
        method: Any = inspect.getattr_static(cls, name, None)
        if isinstance(method, FunctionType) and not hasattr(method, "takes_lazy"):
            setattr(cls, name, lazily(name, method))
        elif hasattr(method, "fn") and not hasattr(method.fn, "takes_lazy"):  # scikit-learn's available_if
            method.fn = lazily(name, method.fn)


def lazily(name: str, method: Any) -> Any:
    @functools.wraps(method)
    def answer(self: Any, X: Any, *args: Any, **options: Any) -> Any:
        if not is_lazy(X):
            return method(self, X, *args, **options)
        if name == "score" and len(args) <= 2 and set(options) <= {"y", "sample_weight"}:
            given = dict(zip(("y", "sample_weight"), args, strict=False)) | options
            return score(self, X, **given)
        if args or options:
            refuse_lazy(X, f"X of {type(self).__name__}.{name} with further arguments")
        return predict(self, X, method=name)

    answer.takes_lazy = True  # type: ignore[attr-defined]
    return answer
