"""What a trial may do, and what it must equal: one function a rule, each yields (rule, what happened)."""

import copy
import pickle
import re
import warnings

import numpy as np
import scipy.sparse
import sklearn.linear_model
import sklearn.naive_bayes
import sklearn.neighbors
import sklearn.neural_network
import sklearn.svm
import sklearn.tree
from cases import estimators
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import has_fit_parameter

METHODS = ("predict", "predict_proba", "predict_log_proba", "decision_function", "transform", "kneighbors", "apply")
REFUSALS = ValueError, TypeError, NotFittedError
PEERS = {
    name: getattr(module, name)
    for module in (
        sklearn.linear_model, sklearn.naive_bayes, sklearn.neighbors, sklearn.neural_network, sklearn.svm, sklearn.tree
    )
    for name in module.__all__
}  # fmt: skip
EXACT = ("GaussianNB", "BernoulliNB", "MultinomialNB", "ComplementNB", "CategoricalNB")
LEAST_SQUARES = ("LinearRegression", "Ridge")


class Outcome:
    """A value, or the error in its place; and the warnings that came with it."""

    def __init__(self, call):
        self.value = self.error = None
        with warnings.catch_warnings(record=True) as self.warnings:
            warnings.simplefilter("always")
            try:
                self.value = call()
            except Exception as error:
                self.error = error

    def leaks(self):
        """What NumPy's arithmetic warned of; a RuntimeWarning in fastml's own words is meant."""
        found = [str(w.message) for w in self.warnings if issubclass(w.category, RuntimeWarning)]
        return [message for message in found if "encountered in" in message]


def judge(case):
    """All that is wrong with one case: [(rule, what happened)]."""
    found = []
    cls = estimators()[case.estimator]
    X, Q = case.table(case.values), case.table(case.queries)
    fitted = Outcome(lambda: fit(cls(**case.parameters), case, X))
    found += wrong_refusals(case, "fit", fitted)
    if fitted.error is None:
        before = copy.deepcopy(answers(fitted.value, Q))
        for method, outcome in before.items():
            found += wrong_refusals(case, method, outcome)
            found += not_finite(case, X, Q, method, outcome)
        found += changed_by_pickle(fitted.value, Q, before)
        found += changed_by_refusal(case, fitted.value, Q, before)
    found += unlike_peer(case, fitted, X, Q)
    return found


def fit(model, case, X):
    y = None if case.y is None else np.array(case.y, dtype=object if mixed(case.y) else None)
    given = (
        {"sample_weight": case.weight} if case.weight is not None and has_fit_parameter(model, "sample_weight") else {}
    )
    return model.fit(X, y, **given)


def mixed(y):
    return len({type(v) for v in y}) > 1


def answers(model, Q):
    return {m: Outcome(lambda m=m: getattr(model, m)(Q)) for m in METHODS if hasattr(model, m)}


def wrong_refusals(case, step, outcome):
    """Only ValueError, TypeError and NotFittedError that name an argument; and no warning of NumPy's arithmetic."""
    error = outcome.error
    for message in outcome.leaks():
        yield f"{step}: RuntimeWarning leaks", message
    if error is None:
        return
    if not isinstance(error, REFUSALS):
        yield f"{step}: {type(error).__name__}", str(error)[:300]
        return
    names = {"X", "y", "sample_weight", "sample", "class", "feature", "samples", "features", "column", "Unknown label"}
    names |= {"column", "Sample weights"}  # a column of X; scikit-learn's word for sample_weight
    names |= set(case.parameters) | {case.estimator} | set(estimators()[case.estimator]().get_params())
    if not any(re.search(rf"\b{re.escape(name)}", str(error)) for name in names):
        yield f"{step}: a refusal that names no argument", f"{type(error).__name__}: {str(error)[:300]}"


def finite(table):
    if scipy.sparse.issparse(table):
        return bool(np.isfinite(np.asarray(table.data, float)).all())
    try:
        return bool(np.isfinite(np.asarray(table, dtype=float)).all())
    except (TypeError, ValueError):
        return False


def not_finite(case, X, Q, method, outcome):
    if outcome.error is not None or method == "predict_log_proba" or not (finite(X) and finite(Q)):
        return
    if case.estimator == "RadiusNeighborsRegressor":  # NaN, and a warning, where nobody is within the radius
        return
    values = outcome.value[0] if method == "kneighbors" else outcome.value
    values = values.data if scipy.sparse.issparse(values) else np.asarray(values)
    if values.dtype.kind == "f" and np.isnan(values).any():
        yield f"{method}: NaN from finite input", str(values.ravel()[:5])
    elif method == "predict_proba" and not probabilities(values):
        yield "predict_proba: no probabilities", str(values[:3])


def probabilities(values):
    """Whether each row, of each output, is not negative and adds up to 1."""
    outputs = values if values.ndim == 3 else [values]
    return all((p >= 0).all() and np.allclose(p.sum(axis=1), 1, atol=1e-5) for p in outputs)


def same(a, b):
    if (a.error is None) != (b.error is None):
        return False
    if a.error is not None:
        return type(a.error) is type(b.error)
    pairs = zip(a.value, b.value, strict=True) if isinstance(a.value, (tuple, list)) else [(a.value, b.value)]
    return all(equal(u, v) for u, v in pairs)


def equal(a, b):
    if scipy.sparse.issparse(a):
        a, b = a.toarray(), b.toarray()  # NaN is NaN
    a, b = np.asarray(a), np.asarray(b)
    return a.shape == b.shape and (bool(np.all(a == b)) or np.array_equal(a, b, equal_nan=a.dtype.kind == "f"))


def changed_by_refusal(case, model, Q, before):
    """A refused refit must leave the model as it was."""
    X = np.array([[1.0, np.nan, 3.0, 4.0, 5.0, 6.0], [np.inf, 2, 3, 4, 5, 6]])
    refused = Outcome(lambda: model.fit(X, [0, 1, 1]))
    if refused.error is None:
        return
    for method, outcome in answers(model, Q).items():
        if method in before and not same(before[method], outcome):
            yield (
                f"{method}: changed by a refused fit",
                f"{before[method].value} -> {outcome.value} {outcome.error!r}"[:300],
            )


def changed_by_pickle(model, Q, before):
    copied = Outcome(lambda: pickle.loads(pickle.dumps(model)))
    if copied.error is not None:
        yield f"pickle: {type(copied.error).__name__}", str(copied.error)[:200]
        return
    for method, outcome in answers(copied.value, Q).items():
        if method in before and not same(before[method], outcome):
            yield f"{method}: changed by pickling", f"{before[method].value} -> {outcome.value} {outcome.error!r}"[:300]


def unlike_peer(case, fitted, X, Q):
    """scikit-learn's class of the same name, where it takes the same parameters, on the same input."""
    peer = PEERS.get(case.estimator)
    if peer is None or not set(case.parameters) <= set(peer().get_params()):
        return
    if case.weight is not None and not has_fit_parameter(peer(), "sample_weight"):
        return
    other = Outcome(lambda: fit(peer(**case.parameters), case, X))
    if (fitted.error is None) != (other.error is None):
        if not known_difference(case, fitted.error, other.error):
            yield (
                "fit: refuses what scikit-learn takes" if fitted.error else "fit: takes what scikit-learn refuses",
                f"fastml {fitted.error!r}, scikit-learn {other.error!r}"[:400],
            )
        return
    if fitted.error is not None or not len(Q.columns if hasattr(Q, "columns") else case.queries):
        return
    yield from unlike_answers(case, fitted.value, other.value, X, Q)


def known_difference(case, ours, theirs):
    """Differences that the documentation states, by the words of the refusal."""
    message = str(ours if ours is not None else theirs)
    if "Negative values in data passed to" in message and case.weight is not None and 0 in case.weight:
        return True  # a row of weight 0 is as no row, whatever stands in it
    return any(re.search(pattern, message) for pattern in KNOWN)


# Differences that are meant, by the words of whoever refuses: what each says, and why both are right.
KNOWN = (
    r"beyond ±2\*\*53",  # an integer that float64 does not hold is refused, not rounded
    r"int64 (indices|index)|32-bit integer indices",  # fastml takes wide indices of sparse matrices
    r"Got '[\w-]+' instead",  # fastml's parameters accept more names than scikit-learn's
    r"sag implementation|only works with loss",  # solvers that are scikit-learn's own
    r"'<' not supported between instances of 'NoneType'",  # p=None where the metric has no p
    r"is negative|Negative values in data passed to `sample_weight`",  # negative weights are refused everywhere,
    r"sample_weight contains (NaN|infinity)",  # and so are those that are no numbers
    r"to CategoricalNB",  # categories below 0, and between whole numbers, are refused, not cut off
    r"y should be a 1d array, got an array of shape",  # several outputs where scikit-learn has one
    r"Metric '\w+' not valid for sparse input|'l1_ratio' parameter of Perceptron",  # taken here
    r"value too large for dtype\('float32'\)",  # scikit-learn's trees hold float32
    r"whose variance is too large for a float64|that a float64 cannot hold the squares",  # GaussianNB refuses these
    r"NB does not accept missing values",  # fastml's naive Bayes leaves them out
    r"column \d+ of X has \d+ categories, .* nearly all of them 0",  # a table that would fill the memory is refused
    r"add up beyond a float64",  # counts that overflow are refused
    r"binarize=None says",  # data that are not binary are refused, not taken for binary
    r"under-/overflow occurred at epoch",  # a step that overflows is taken again, shorter
    r"No support for np\.int64 index based sparse matrices",  # trees read indices of every width
    r"Input X contains infinity or a value too large for dtype\('float32'\)",  # and round no column to float32
    r"'criterion' parameter of DecisionTreeClassifier must be .* Got 'gain_ratio'",  # C4.5's, of fastml's own
    r"^Input y contains infinity",  # scikit-learn's trees do not look into a target of objects
    r"sample_weight sums to .* beyond 1e-300",  # weights with which a sum of losses would overflow are refused
    r"which overflows in sums|times the largest variance of a column",
    r"Python int too large to convert to C",  # a leaf_size beyond every table
    r"sums of squares of such values are beyond",  # so are columns whose squares would
    r"early_stopping=True with validation_fraction=\S+ holds out 1 of",  # one row scores nothing
    r"solver='\w+' does not support fitting the intercept on sparse data",  # here every solver does
    r"^Input contains NaN\.",  # distances of finite rows that overflow inside scikit-learn (of X it says "Input X")
    r"^array must not contain infs or NaNs",  # a finite table whose squares overflow inside scikit-learn
    r"'learning_rate' parameter of MLP\w+ must be .* Got 'plateau'",  # a schedule of fastml's own
)


def unlike_answers(case, model, peer, X, Q):
    name = case.estimator
    if name == "GaussianNB" and (case.weight is not None or has_constant(case.values)):
        return  # scikit-learn smooths by a variance without the weights, and of constants by what rounding left of it
    if name in EXACT and not (np.abs(numbers(case.queries)) < 1e12).all():
        return  # a difference of two such products is all rounding
    if name in EXACT:
        a, b = Outcome(lambda: model.predict_log_proba(Q)), Outcome(lambda: peer.predict_log_proba(Q))
        if a.error is None and b.error is None and np.isfinite(b.value).all() and not close(a.value, b.value, 1e-3):
            yield "predict_log_proba: unlike scikit-learn's", f"{a.value[:3].tolist()} {b.value[:3].tolist()}"[:300]
    elif name in LEAST_SQUARES:
        a, b = Outcome(lambda: model.predict(X)), Outcome(lambda: peer.predict(X))
        if a.error is None and b.error is None:
            y = np.asarray(case.y, float)
            ours, theirs = np.abs(a.value - y).sum(), np.abs(b.value - y).sum()
            scale = np.abs(y).sum() + 1e-12
            if (
                np.isfinite(theirs)
                and ours > 1.01 * theirs + 1e-4 * scale
                and name == "LinearRegression"
                and case.weight is None
            ):
                yield "predict: further from y than scikit-learn's", f"{ours} {theirs}"
    elif (np.abs(numbers([*case.values, *case.queries])) > 1e150).any():
        return  # squares overflow in scikit-learn's sums
    elif name in ("KNeighborsClassifier", "KNeighborsRegressor", "NearestNeighbors"):
        a, b = Outcome(lambda: model.kneighbors(Q)[0]), Outcome(lambda: peer.kneighbors(Q)[0])
        if a.error is None and b.error is None and not close(a.value, b.value, 1e-3):
            yield "kneighbors: distances unlike scikit-learn's", f"{a.value[:3].tolist()} {b.value[:3].tolist()}"[:300]


def numbers(rows):
    """The rows as floats, 0 for what is none."""
    return np.array([[v if isinstance(v, int | float) and v == v else 0 for v in row] for row in rows], float)


def has_constant(rows):
    table = numbers(rows)
    return bool((table == table[:1]).all(axis=0).any())


def close(a, b, rtol):
    """Whether a is b up to rounding; where scikit-learn overflowed, a may be any number that did not."""
    a, b = np.asarray(a, float), np.asarray(b, float)
    scale = max(np.abs(b[np.isfinite(b)]).max(initial=0.0), 1e-9)
    if a.shape == b.shape:
        b = np.where(np.isinf(b) & (np.abs(a) > 1e153), a, b)
    return a.shape == b.shape and np.allclose(a, b, rtol=rtol, atol=rtol * scale, equal_nan=True)
