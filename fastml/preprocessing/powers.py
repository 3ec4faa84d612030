"""PowerTransformer: columns made as normal as a power can make them."""

import copy
from typing import Any, Self

import numpy as np
from scipy import optimize
from sklearn.preprocessing import PowerTransformer as ScikitPowerTransformer

from fastml.preprocessing.scalers import StandardScaler
from fastml.preprocessing.scaling import ByKernel, of_columns
from fastml.warning import warn
from fastml_ext import pool
from fastml_ext import preprocessing as kernels

__all__ = ["PowerTransformer"]

EVALUATING = 40.0  # ns a number: some 30 likelihoods
TOLERANCE = 1.48e-8  # of the exponent, as SciPy's
STEP = 3e-5  # over which the bottom of a likelihood is told: shorter, rounding counts; longer, its third derivative


class PowerTransformer(ByKernel, ScikitPowerTransformer):
    """Columns transformed by the power that makes them most like a normal distribution.

    The exponents are sought as SciPy seeks them, by likelihoods from logarithms that are taken once, of several
    columns at a time, in float64. Logarithms and powers are computed in whole registers.

    Parameters
    ----------
    method : {"yeo-johnson", "box-cox"}, default="yeo-johnson"
        Which powers: of Yeo and Johnson (2000), or of Box and Cox (1964), for numbers above 0.
    standardize : bool, default=True
        Whether mean 0 and variance 1 are made of the result.
    copy : bool, default=True
        False changes the table that is given, where it is an array of floats.

    Attributes
    ----------
    lambdas_ : ndarray of shape (n_features,)
        The exponents.
    n_features_in_, feature_names_in_
        As in scikit-learn.

    Examples
    --------
    >>> from fastml.preprocessing import PowerTransformer
    >>> model = PowerTransformer("box-cox").fit([[1.0], [2.0], [4.0], [8.0], [16.0]])
    >>> abs(model.lambdas_.round(3))
    array([0.])
    >>> model.transform([[4.0]]).round(3) + 0.0
    array([[0.]])
    """

    lambdas_: np.ndarray
    _any_order = False
    _scaler: StandardScaler

    def fit(self, X: Any, y: Any = None) -> Self:
        """Find the exponents of the columns of X (n_samples, n_features), array-like or frame; NaN is left out."""
        self._learn(self._rows_to_learn(X))
        return self

    def fit_transform(self, X: Any, y: Any = None) -> Any:
        """Find the exponents, and transform the rows; as `fit(X).transform(X)`.

        Parameters
        ----------
        X : array-like or frame of shape (n_samples, n_features)
            The rows.
        y : object, default=None
            Not used.

        Returns
        -------
        X_new : ndarray of shape (n_samples, n_features)
        """
        rows = self._rows_to_learn(X)
        out = self._learn(rows)
        if self.standardize:
            out = kernels.standardise(out, *self._moments(rows))
        return self._given_back(X, out)

    def _learn(self, X):
        """Find the exponents; X transformed by them, not yet centred."""
        self._check_finite_or_missing(X)
        self._check_above_0(X)
        d = X.shape[1]
        lambdas = np.empty(d)
        count, mean, squares = kernels.moments(X)
        eps = np.finfo(np.float64).eps
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            variance = squares / count
            constant = (variance <= len(X) * eps * variance + (len(X) * mean * eps) ** 2) & (count == len(X))
        pool.run(find_exponents, d, X, self.method == "box-cox", constant, lambdas, cost=EVALUATING * len(X))
        self.lambdas_ = lambdas.astype(X.dtype)
        self.__dict__.pop("_scaler", None)
        out = kernels.power_columns(X, self._exponents(), self.method == "box-cox")
        if self.standardize:
            self._scaler = StandardScaler(copy=False).set_output(transform="default")
            self._scaler.fit(out)
        return out

    def _exponents(self):
        exponents = np.ascontiguousarray(self.lambdas_, np.float64)
        if exponents.shape != (self.n_features_in_,):
            raise ValueError(
                f"{len(exponents)} lambdas_ were set on the fitted model for {self.n_features_in_} columns"
            )
        return exponents

    def _check_above_0(self, X):
        if self.method != "box-cox":
            return
        least, _ = kernels.extremes(X)
        if (least <= 0).any():
            j = int(np.argmax(least <= 0))
            raise ValueError(
                "The Box-Cox transformation can only be applied to strictly positive data:"
                f" X[{int(np.argmax(X[:, j] <= 0))}, {j}] is not above 0; method='yeo-johnson' takes it"
            )

    def transform(self, X: Any) -> Any:
        """X (n_samples, n_features), array-like or frame, transformed, in its dtype; NaN stays."""
        if "lambdas_" in self.__dict__ and "n_features_in_" not in self.__dict__:  # set by hand, on no fitted model
            model = copy.copy(self)
            model.n_features_in_ = len(self.lambdas_)
            return model.transform(X)
        rows = self._rows(X)
        self._check_above_0(rows)
        out = kernels.power_columns(rows, self._exponents(), self.method == "box-cox", *self._moments(rows))
        return self._refuse_infinite(rows) if out is None else self._given_back(X, out)

    def inverse_transform(self, X: Any) -> Any:
        """The numbers whose transformation X is.

        Parameters
        ----------
        X : array-like or frame of shape (n_samples, n_features)
            As `transform` returns them; NaN stays.

        Returns
        -------
        X_original : ndarray of shape (n_samples, n_features)
        """
        rows = self._rows_back(X)
        found = kernels.unpower_columns(rows, self._exponents(), self.method == "box-cox", *self._moments(rows))
        if found is None:
            return self._refuse_infinite(rows)
        out, none = found
        for j in np.flatnonzero((np.isnan(out) & ~np.isnan(rows)).any(axis=0)) if none else ():
            warn(
                f"Some values in column {j} of the inverse-transformed data are NaN. This may be caused by numerical"
                " issues in the transformation process, e.g. extremely skewed data. Consider inspecting the input data"
                " or preprocessing it before applying the transformation."
            )
        return self._given_back(X, out)

    def _moments(self, X):
        """What is subtracted from the transformed columns of X, and what they are divided by; None where neither."""
        if not self.standardize:
            return None, None
        return of_columns(self._scaler.mean_, X), of_columns(self._scaler.scale_, X)

    def _given_back(self, X, out):
        """`out`, or the array X with it in its place, where it may be changed."""
        if not self.copy and type(X) is np.ndarray and X.dtype == out.dtype and X.flags.writeable:
            X[...] = out
            return X
        return out


def find_exponents(start, stop, X, box_cox, constant, lambdas):
    """Of columns."""
    for j in range(start, stop):
        x = X[:, j]
        x = x[~np.isnan(x)]
        if not len(x):
            raise ValueError(f"Column must not be all nan: X[:, {j}] has no number")
        if box_cox:
            if (x == x[0]).all():
                raise ValueError(f"Data must not be constant: X[:, {j}] is {x[0]} everywhere")
            lambdas[j] = box_cox_exponent(x)
        else:
            found = 1.0 if constant[j] or not x.any() else yeo_johnson_exponent(x)
            if found is None:
                raise ValueError(
                    f"X[:, {j}] has numbers so large that none of its powers can be computed: scale it first"
                )
            lambdas[j] = found


def box_cox_exponent(x):
    """Brent's from -2 and 2; the nearest by which nothing overflows, where that one would let it."""
    logs = np.log(x.astype(np.float64))

    def unlikely(lmbda):
        return -kernels.power_likelihood(logs, lmbda, True)

    found = settled(unlikely, optimize.brent(unlikely, brack=(-2.0, 2.0)))
    far = logs.max() if found > 0 else logs.min()  # of the number whose power is the largest in size
    most = np.log(np.finfo(x.dtype).max / 10_000)

    def beyond(size):
        return size * abs(far) - np.log(size) - most

    if found * far <= 0 or abs(found) * abs(far) < 1 or beyond(abs(found)) <= 0:
        return found
    warn(
        f"The optimal lambda is {found}, but the returned lambda is the constrained optimum to ensure that the maximum"
        f" or the minimum of the transformed data does not overflow in {x.dtype}."
    )
    return np.sign(far) * optimize.brentq(beyond, 1 / abs(far), abs(found))


def yeo_johnson_exponent(x):
    """By golden section and parabolas between exponents that neither overflow nor vanish; None where there are none."""
    logs = np.copysign(np.log1p(np.abs(x, dtype=np.float64)), x)
    limits = np.finfo(x.dtype)
    with np.errstate(over="ignore"):
        largest = np.log1p(20 * np.abs(x, dtype=np.float64).max())
    low = (np.log(limits.tiny) - np.log(limits.eps)) / 2 / largest
    high = (np.log(limits.max) + np.log(limits.eps)) / 2 / largest
    if (x < 0).all():
        low, high = 2 - high, 2 - low
    elif (x < 0).any():
        low, high = max(2 - high, low), min(2 - low, high)

    if not low <= high:
        return None

    def unlikely(lmbda):
        found = kernels.power_likelihood(logs, lmbda, False)
        return -found if np.isfinite(found) else np.inf

    with np.errstate(over="ignore", invalid="ignore"):  # of parabolas through what cannot be
        return min(high, max(low, settled(unlikely, optimize.fminbound(unlikely, low, high, xtol=TOLERANCE))))


def settled(unlikely, found):
    """The minimum near what a search has found, by differences.

    At the bottom of a parabola, values that differ by rounding alone lead a search astray by 1e-8: as far as columns
    that hold the same numbers in another order part. Differences over a longer way tell the bottom a thousand times as
    closely.
    """
    step = STEP * max(1.0, abs(found))
    below, here, above = (unlikely(found + by) for by in (-step, 0.0, step))
    bend = below - 2 * here + above
    if not (np.isfinite(bend) and bend > 0):
        return found
    moved = 0.5 * step * (below - above) / bend
    return found + moved if abs(moved) <= step else found
