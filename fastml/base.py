"""What all estimators share: checking input, with a fast path for predict, encoding labels, handing names through."""

import contextlib
import functools
import importlib
import inspect
import operator
import sys
from numbers import Number
from types import FunctionType

import numpy as np
from scipy.sparse import issparse
from sklearn.base import BaseEstimator
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, column_or_1d

from fastml._sklearn import Interval, StrOptions, check_sample_weight, validate_data
from fastml.kinds import array_of_numbers, as_numbers, read_target
from fastml.kinds.lazy import is_lazy, refuse_lazy
from fastml.plain import BY_ROWS, ValidSettings, is_by_columns, is_plain, is_plain_rows, is_plain_target
from fastml_ext import checks, model_selection, pool, preprocessing

__all__ = [
    "NO_TARGET", "Estimator", "Interval", "StrOptions",
    "all_or_nothing", "as_numbers", "check_weight", "encode_labels", "encode_outputs", "hand_through", "holding_out",
    "one_row", "refuse_nonfinite",
]  # fmt: skip

NO_TARGET = "no_validation"  # scikit-learn's word: there is no y to check
_valid_settings = ValidSettings()
newcomers: list = []  # what is told of each new class: fastml.dask, once it is imported, teaches its methods


LEARNING = ("fit", "partial_fit", "fit_transform", "fit_predict")


def all_or_nothing(method):
    """A method that learns, carried out on the side: what it has set is put in place at once, when it has ended well.

    After an error or Ctrl-C the model is what it was, and a thread that predicts meanwhile sees the old one. The method
    and the callbacks that it tells get a stand-in, which holds what has been learnt so far. What both hold, such as
    arrays of an earlier fit, must not be written into. Where scikit-learn's callbacks listen, see telling.py.
    """

    @functools.wraps(method)
    def learn(self, *args, **options):
        if "_skl_callbacks" in self.__dict__:
            from fastml.telling import learn_in_place

            return learn_in_place(self, method, args, options)
        aside = object.__new__(type(self))
        aside.__dict__.update(self.__dict__)
        X = args[0] if args else options.get("X")
        if type(X) is np.ndarray or not (is_lazy(X) or isinstance(X, in_parts())):
            result = method(aside, *args, **options)
        else:
            result = fit_in_parts(aside, method.__name__, *args, **options)
        self.__dict__ = aside.__dict__
        return self if result is aside else result

    learn.all_or_nothing = True  # type: ignore[attr-defined]
    return learn


def in_parts():
    """The class of tables in parts, once somebody has made one; else no class at all."""
    module = sys.modules.get("fastml.scale.parts")
    return () if module is None else module.Parts


def fit_in_parts(model, method, X, *args, **options):
    """What a method that learns does with a table in parts, or with a collection of Dask."""
    if is_lazy(X):
        from fastml.dask.asking import fit_lazy

        return fit_lazy(model, method, X, *args, **options)
    from fastml.scale.fitting import fit_parts

    return fit_parts(model, method, (X, *args), options)


class Estimator(BaseEstimator):
    """scikit-learn's contract: parameters in __init__, checked and used in fit, results in attributes that end in _.

    Every method of a class of fastml that learns does so as a whole or not at all: see `all_or_nothing`.
    """

    def __init_subclass__(cls, **options):
        super().__init_subclass__(**options)
        for name in LEARNING if cls.__module__.partition(".")[0] == "fastml" else ():
            method = inspect.getattr_static(cls, name, None)
            if isinstance(method, FunctionType) and not hasattr(method, "all_or_nothing"):
                setattr(cls, name, all_or_nothing(method))
            elif hasattr(method, "fn") and not hasattr(method.fn, "all_or_nothing"):  # scikit-learn's available_if
                method.fn = all_or_nothing(method.fn)
        for tell in newcomers:
            tell(cls)

    def _check_fit(self, X, y=NO_TARGET, *, small_integers=False, allow_nan=False, finite=True, **options):
        """Parameters, X and y of a fit, checked; X comes back as a finite table in C order, or as CSR.

        X is float32 or float64; `small_integers` of up to 16 bits stay as they are. NaN passes where `allow_nan`. With
        `finite=False` a dense X is not looked at: the caller does, where its sums are not finite.
        options: as for scikit-learn's validate_data
        """
        self._validate_params()
        self._allow_nan = allow_nan
        self._sparse = options.get("accept_sparse", False)
        numeric = options.get("y_numeric", False)
        if y is not None and y is not NO_TARGET:
            y = read_target(y, numeric)
        if is_plain(X, options) and (y is NO_TARGET or is_plain_target(y, X.shape[0], numeric)):
            self.n_features_in_ = X.shape[1]
            self.__dict__.pop("feature_names_in_", None)  # of an earlier fit
            y = None if y is NO_TARGET else y
        else:
            X, y = self._convert(X, y, options)
            X = as_numbers(X, type(self).__name__, small_integers)
        if finite or issparse(X):
            self._check_finite(X)
        self._dtype = X.dtype if X.dtype.kind == "f" else np.dtype(np.float64)
        # Frames are checked for the names of their columns, so they never take the fast path; nor do values with NaN.
        self._fast_columns = -1 if hasattr(self, "feature_names_in_") else X.shape[1]
        return X if y is None else (X, y)

    def _note_rows(self, dtype, *, sparse=False, allow_nan=False):
        """Remember of the rows of a fit what `_check_rows` asks for, where `_check_fit` has not seen them."""
        self._allow_nan, self._sparse, self._dtype = allow_nan, sparse, np.dtype(dtype)
        self._note_columns()

    def _note_parts(self, parts):
        """Remember of a table in parts what a fit in memory remembers of its rows."""
        tags = self.__sklearn_tags__().input_tags
        self._note_rows(parts.dtype, sparse="csr" if tags.sparse else False, allow_nan=bool(tags.allow_nan))

    def _note_columns(self):
        # Frames are checked for the names of their columns, so they never take the fast path.
        self._fast_columns = -1 if hasattr(self, "feature_names_in_") else self.n_features_in_

    def _once(self, name, of, make):
        """What make() gives of the fitted arrays and the settings `of`: made when first needed, and for others anew.

        `fit` sets `_made` to {}, for predictions may add no attribute.
        """
        made = self.__dict__.setdefault("_made", {})
        kept = made.get(name)
        if kept is None or not all(map(operator.is_, kept[0], of)):
            kept = made[name] = of, make()
        return kept[1]

    def __getstate__(self):
        state = super().__getstate__()
        if "_made" in state:
            state = {key: value for key, value in state.items() if key != "_made"}
        return state

    def _convert(self, X, y, options):
        """X and y of any kind as arrays, by scikit-learn's checks; y is None where there is none."""
        options = {"dtype": "numeric", "order": "C", "ensure_all_finite": False} | options
        with np.errstate(over="ignore", invalid="ignore"):  # the sums that scikit-learn looks at first
            checked = validate_data(self, array_of_numbers(X, bool(self._sparse)), y, **options)
        return (checked, None) if y is NO_TARGET else checked

    def _validate_params(self):
        """scikit-learn's check of the parameters, once for each list of values."""
        key = _valid_settings.key(self)
        if key not in _valid_settings:
            super()._validate_params()
            _valid_settings.add(key)

    def _check_rows(self, X):
        """X of a predict-like method as a finite table of the fitted dtype; a plain one passes at once."""
        columns = getattr(self, "_fast_columns", -1)
        if checks.is_table(X, columns, np.ndarray) and X.dtype == self._dtype:
            return X
        if type(X) in BY_ROWS and getattr(self, "_sparse", None) == "csr" and is_plain_rows(X, columns, self._dtype):
            return X
        if columns > 0 and is_by_columns(X) and X.shape[1] == columns and X.dtype == self._dtype:
            rows = preprocessing.by_rows(X)
            if checks.is_table(rows, columns, np.ndarray):
                return rows
        check_is_fitted(self)
        kinds = "csr" if self._sparse is True else self._sparse  # what is read below, not any kind there is
        options = {"accept_sparse": kinds, "ensure_all_finite": False, "reset": False}
        X = validate_data(self, array_of_numbers(X, bool(self._sparse)), dtype="numeric", order="C", **options)
        X = as_numbers(X, type(self).__name__)
        self._check_finite(X)
        if X.dtype != self._dtype:
            with np.errstate(over="ignore"):
                X = X.astype(self._dtype)
            self._check_finite(X)  # a large float64 may not fit into the float32 of the fitted data
        return X

    def to_onnx(self, path=None):
        """The fitted model in ONNX, written to the file `path` where one is given; see `fastml.exchange.onnx`."""
        from fastml.exchange.onnx import to_onnx

        return to_onnx(self, path)

    def _check_finite(self, X):
        refuse_nonfinite(X, type(self).__name__, getattr(self, "feature_names_in_", None), self._allow_nan)


def check_weight(sample_weight, n):
    """(n,) float64: the weights of n rows as every estimator takes them, finite, not negative, and not all 0."""
    if is_lazy(sample_weight):
        refuse_lazy(sample_weight, "sample_weight")
    try:
        weight = check_sample_weight(sample_weight, n)
    except (TypeError, ValueError) as error:
        if "sample_weight" in str(error):
            raise
        raise type(error)(f"sample_weight is refused: {error}") from error
    if isinstance(sample_weight, Number) and not np.isfinite(weight).all():
        raise ValueError(f"sample_weight={sample_weight} is not finite")
    if not weight.any():
        raise ValueError("sample_weight is 0 everywhere. Sample weights must contain at least one non-zero number.")
    if (weight < 0).any():
        i = int(np.flatnonzero(weight < 0)[0])
        raise ValueError(
            f"Negative values in data passed to `sample_weight`: sample_weight[{i}]={weight[i]} is negative, and"
            " weights count from 0 upwards"
        )
    return weight


def drawn_order(random, n):
    """random.permutation(n)."""
    bits = random._bit_generator
    return model_selection.permutation(n, bits) if type(bits) is np.random.MT19937 else random.permutation(n)


@contextlib.contextmanager
def holding_out(share, n, names=""):
    """scikit-learn's refusals to split n rows in the words of our parameters.

    share: validation_fraction | names: what the classes that it names are called, to be said behind
    """
    try:
        yield
    except ValueError as error:
        told = str(error).replace(" and train_size=None", "").replace("test_size", "validation_fraction")
        raise ValueError(
            f"early_stopping=True holds out validation_fraction={share} of {n} samples, and that cannot be:"
            f" {told}{names}"
        ) from error


def refuse_nonfinite(X, estimator, names=None, allow_nan=False):
    """Say where the first value of X, dense, CSR or CSC, stands that is not finite; estimator: its class's name."""
    where = first_bad(X, allow_nan)
    if where is None:
        return
    row, column = where
    called = f" (column {names[column]!r})" if names is not None else ""
    value = "NaN" if np.isnan(X[row, column]) else str(X[row, column])
    what = "NaN" if value == "NaN" else f"infinity or a value too large for {X.dtype!r}"
    raise ValueError(
        f"Input X contains {what}. X[{row}, {column}]{called} is {value}, and {estimator} takes finite {X.dtype} values"
        f" only, no {'' if allow_nan else 'NaN or '}infinity: drop the row, or fill it in with"
        " fastml.impute.SimpleImputer"
    )


def first_bad(X, allow_nan):
    """(row, column) of the first value of X, dense, CSR or CSC, that is not finite (NaN may be, where allowed)."""
    if X.dtype.kind != "f":
        return None
    values = X.data.reshape(1, -1) if issparse(X) else X
    if values.dtype.char not in "fd" or not values.dtype.isnative:
        values = values.astype(np.float64)
    where = first_nonfinite(values)
    if where is not None and allow_nan:  # only now is a copy worth its time
        where = checks.first_nonfinite(np.where(np.isnan(values), 0, values))
    if where is None or not issparse(X):
        return where
    at = where[1]
    outer, inner = int(np.searchsorted(X.indptr, at, side="right")) - 1, int(X.indices[at])
    return (inner, outer) if X.format == "csc" else (outer, inner)


def first_nonfinite(X):
    """As the function of that name in checks, on several threads."""
    if X.flags.f_contiguous and not X.flags.c_contiguous and first_nonfinite(X.T) is None:
        return None
    found = pool.run(first_of_rows, len(X), X, cost=0.25 * X.shape[1])
    return next((where for where in found if where is not None), None)


def first_of_rows(start, stop, X):
    where = checks.first_nonfinite(X[start:stop])
    return where and (start + where[0], where[1])


def one_row(x):
    """One sample as a table of one row, which keeps its names: x (n_features,), (1, n_features), or a frame's row.

    >>> one_row([1.0, 2.0])
    array([[1., 2.]])
    """
    if hasattr(x, "to_frame") and hasattr(x, "index"):  # row i of a frame, as frame.iloc[i] gives it
        x = x.to_frame().T.infer_objects()
    x = x if issparse(x) or hasattr(x, "columns") or np.ndim(x) == 2 else np.reshape(x, (1, -1))
    if x.shape[0] != 1:
        raise ValueError(f"x has {x.shape[0]} rows, but one sample is explained at a time: pass X[i]")
    return x


def encode_labels(y):
    """(classes, codes) of y (n,): the distinct labels in order, and the place of each row's label among them, int64."""
    if type(y) is not np.ndarray or y.ndim != 1:
        y = column_or_1d(y, warn=True)
    if y.dtype.kind in "iu" and len(y):
        coded = code_small_integers(y)
        if coded is not None:
            return coded
    check_classification_targets(y)
    classes, codes = np.unique(y, return_inverse=True)
    return classes, codes.astype(np.int64, copy=False)


def code_small_integers(y):
    """`encode_labels` of integers close together, by counting; None for others, or where half of them are distinct.

    Sorting, and scikit-learn's check, which has nothing to say of such labels, cost 20 times as much.
    """
    low, high = int(y.min()), int(y.max())
    if high - low > min(len(y), 2**16) or high >= 2**63:
        return None
    places = y.astype(np.int64) - low
    held = np.bincount(places) > 0
    classes = np.flatnonzero(held)
    if 2 * len(classes) > len(y):
        return None
    codes = places if len(classes) == len(held) else (np.cumsum(held) - 1)[places]
    return (classes + low).astype(y.dtype), codes


def encode_outputs(y):
    """(classes, codes) of y (n,) or (n, n_outputs): for each output what `encode_labels` gives of its column."""
    y = np.asarray(y)
    if y.ndim == 1 or y.shape[1] == 1:
        outputs = [encode_labels(y)]
    else:
        check_classification_targets(y)
        outputs = [np.unique(column, return_inverse=True) for column in y.T]
    return [classes for classes, _ in outputs], [codes.astype(np.int64, copy=False) for _, codes in outputs]


def hand_through(module, original, homes=None):
    """(__getattr__, __dir__) for a module that hands on the names of scikit-learn's module `original`, on first use.

    So `from fastml.neighbors import BallTree` is scikit-learn's, and changing the import line is always enough.
    homes: {submodule: names} of fastml's own names that are imported when they are first used, too
    """
    own = {name: home for home, names in (homes or {}).items() for name in names}

    def __getattr__(name):
        if name in own:
            value = getattr(importlib.import_module(f"{module}.{own[name]}"), name)
            setattr(sys.modules[module], name, value)  # the next look-up costs what any other attribute costs
            return value
        if name.startswith("__"):
            raise AttributeError(name)
        try:
            return getattr(importlib.import_module(original), name)
        except AttributeError:
            raise AttributeError(f"neither {module} nor {original} has a name {name!r}") from None

    def __dir__():
        return sorted({*vars(importlib.import_module(module)), *own, *importlib.import_module(original).__all__})

    return __getattr__, __dir__
