"""Estimators that learn from parts: what `fit` does where it is given a table in parts in the place of X and y."""

import importlib
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from sklearn.base import is_classifier, is_regressor
from sklearn.utils import get_tags

from fastml.base import first_bad
from fastml.scale.labels import Labels, find_labels, number_targets, number_weights
from fastml.scale.parts import Parts
from fastml.scale.reading import Slab, place_of, read_slabs
from fastml.scale.reduction import Reduction, Rows, Tally, rows_of_block

__all__ = ["Checks", "Table", "fit_parts", "partial_fit"]

SMALLEST, LARGEST, VALUES = 2**13, 2**17, 2**20  # rows of a chunk of `partial_fit`, and its values
FAMILIES = (  # with classes that learn so
    "compose", "decomposition", "discriminant_analysis", "feature_extraction.text", "feature_selection", "impute",
    "linear_model", "naive_bayes", "preprocessing", "svm", "tree",
)  # fmt: skip
SAMPLE = 2**20  # rows in memory, at whose optimum passes over the table begin


class Checks:
    """What is asked of the rows of a table before an estimator sees them; it goes wherever they are read."""

    def __init__(self, who: str, names: list[str] | None, *, finite: bool = True, allow_nan: bool = False):
        self.who, self.names, self.finite, self.allow_nan = who, names, finite, allow_nan
        self.labels: Labels | None = None
        self.numbers = False  # whether targets are
        self.raw = False  # whether y stays as it was read
        self.texts: list[bool] | None = None  # see Parts
        self.factors: Any = None  # (n_classes,), what the weights of the rows of a class are multiplied with

    def __call__(self, slab: Slab) -> Rows:
        """Rows whose values have been looked at, with codes or numbers as y; errors say where the bad value stands."""
        self.look(slab)
        y = self.target(slab)
        weight = None if slab.weight is None else number_weights(slab.weight, lambda i: place_of(slab, i))
        if self.factors is not None:
            weight = self.factors[y] if weight is None else self.factors[y] * weight
        return Rows(slab.X, y, slab.start, weight)

    documents = False  # whether texts are to be there

    def look(self, slab: Slab) -> None:
        if self.documents:
            missing = [i for i, text in enumerate(slab.X[:, 0].tolist()) if text != text]
            if missing:
                name = repr(self.names[0]) if self.names else "0"
                raise ValueError(
                    f"column {name} is missing in {place_of(slab, missing[0])}, and {self.who} takes texts: leave the"
                    " row out, or put '' for it"
                )
        where = self.first_bad(slab.X) if self.finite else None
        if where is not None:
            i, j = where
            value = slab.X[i, j]
            name = f" ({self.names[j]!r})" if self.names else ""
            raise ValueError(
                f"column {j}{name} is {'NaN' if np.isnan(value) else value} in {place_of(slab, i)}, and {self.who}"
                f" takes finite {slab.X.dtype} values only, no {'' if self.allow_nan else 'NaN or '}infinity: drop the"
                " row, or fill it in (fastml.scale.survey counts such values)"
            )

    def first_bad(self, X: np.ndarray) -> tuple[int, int] | None:
        """(row, column) of the first value that is not finite; of texts none is looked at."""
        if self.texts is None:
            return first_bad(X, self.allow_nan)
        for j, text in enumerate(self.texts):
            found = None if text else first_bad(X[:, j : j + 1].astype(float), self.allow_nan)
            if found is not None:
                return found[0], j
        return None

    def target(self, slab: Slab) -> Any:
        if self.raw:
            return slab.y
        if slab.y is None or not (self.labels or self.numbers):
            return None
        if self.labels is None:
            return number_targets(slab.y, lambda i: place_of(slab, i))
        codes, strange = self.labels.codes(slab.y)
        if strange >= 0:
            raise ValueError(f"y is {slab.y[strange]!r} in {place_of(slab, strange)}, {self.strange}")
        return codes

    strange = "which the pass over y before did not meet: the table has changed while it was read"


class Table:
    """A table in parts as an estimator learns from it: checked while it is read, its labels as codes."""

    def __init__(self, parts: Parts, model: Any):
        self.parts, self.who = parts, type(model).__name__
        self.n_jobs = getattr(model, "n_jobs", None)
        self.checks = Checks(self.who, parts.names, allow_nan=bool(get_tags(model).input_tags.allow_nan))
        self.checks.texts = parts.texts
        if is_classifier(model):
            self.checks.labels = find_labels(parts)
        self.checks.numbers = is_regressor(model)
        self.reads = 0  # passes over X

    @property
    def labels(self) -> Any:
        return self.checks.labels

    @property
    def n_rows(self) -> int:
        if self.parts.n_rows is None:
            if self.parts.has_target:
                self.parts.n_rows = sum(self.parts.map_targets(rows_of_piece))
            else:
                self.parts.n_rows = self.reduce(Counted())
        return self.parts.n_rows

    def reduce(self, reduction: Reduction) -> Any:
        """One pass: the state of all rows."""
        self.reads += 1
        total = self.parts.reduce(reduction, self.checks, f"pass {self.reads} over", self.n_jobs)
        if total is None:
            raise ValueError(f"{self.parts!r} has 0 rows, and {self.who} needs at least one")
        return total

    def tally(self, tally: Tally) -> Any:
        """One pass: the state of all rows."""
        self.reads += 1
        return self.parts.tally(tally, self.checks, f"pass {self.reads} over", self.n_jobs)

    def reduce_unless_few(self, reduction: Reduction) -> tuple[Any, Any]:
        """(state of all rows, None), or where a sample would be the table (None, (X, y, weight) of it): one pass."""
        n, most = self.parts.n_rows, self.sample_rows()
        if n is not None:
            return (None, self.sample(most)) if 0 < n <= most else (self.reduce(reduction), None)
        kept = self.reduce(Keeping(reduction, most))
        return (kept.state, None) if kept.rows is None else (None, all_of(kept.rows))

    def sample_rows(self) -> int:
        """How many rows a sample may have: those that a quarter of the memory holds, up to 2**20."""
        parts = self.parts
        return max(2**13, min(SAMPLE, parts.memory // (4 * parts.n_features * parts.dtype.itemsize)))

    def drawn(self, draw: Callable[[int], np.ndarray]) -> np.ndarray:
        """X of the rows whose numbers draw(n) gives, in that order, one maybe several times."""
        numbers, places = np.unique(draw(self.n_rows), return_inverse=True)
        self.reads += 1
        return all_of(self.parts.choose(numbers, self.checks, f"pass {self.reads} over"))[0][places]

    def sample(self, most: int) -> tuple[np.ndarray, Any, Any]:
        """(X, y, weight) of about `most` rows spread over the table, chosen by their numbers; of all of few."""
        self.reads += 1
        found = self.parts.choose(spread_numbers(self.n_rows, most), self.checks, f"pass {self.reads} over")
        return all_of(found)


class Counted:
    """The reduction that counts rows."""

    def partial(self, rows: Rows) -> int:
        return len(rows.X)

    def merge(self, first: int, second: int) -> int:
        return first + second


class Kept(NamedTuple):
    """State of a reduction, and the rows themselves while they are few."""

    state: Any
    rows: list | None  # of (X, y, weight)
    n: int


class Keeping:
    """A reduction that keeps the rows as well, as long as there are at most so many."""

    def __init__(self, reduction: Reduction, most: int):
        self.reduction, self.most, self.block = reduction, most, rows_of_block(reduction)

    def partial(self, rows: Rows) -> Kept:
        n = len(rows.X)
        kept = [rows.at(slice(None))] if n <= self.most else None
        return Kept(self.reduction.partial(rows), kept, n)

    def merge(self, first: Kept, second: Kept) -> Kept:
        n, few = first.n + second.n, first.rows is not None and second.rows is not None
        kept = [*first.rows, *second.rows] if few and n <= self.most else None  # type: ignore[misc]
        return Kept(self.reduction.merge(first.state, second.state), kept, n)


def all_of(found: list) -> tuple[np.ndarray, Any, Any]:
    """(X, y, weight) of pieces of them; None for what there is not."""
    X, y, weight = (None if each[0] is None else np.concatenate(each) for each in zip(*found, strict=True))
    assert X is not None
    return X, y, weight


def rows_of_piece(y: np.ndarray, source: str, first: int) -> int:
    return len(y)


def spread_numbers(n: int, most: int) -> np.ndarray:
    """About `most` of the numbers of n rows: one in each stretch of equal length, at random by a fixed seed."""
    step = n // max(most, 1)
    if step < 2:
        return np.arange(n)
    return np.arange(0, n - step + 1, step) + np.random.default_rng(0).integers(step, size=n // step)


def fit_parts(model: Any, method: str, arguments: tuple, options: dict, crossed: list | None = None) -> Any:
    """What `fit` and its like do with a table in parts; fastml.base sends them here.

    crossed : gets what some transformers give in place of `transform` for the rows on their way to a model
    """
    parts, *others = arguments
    who = type(model).__name__
    given = [value for value in [*others, *options.values()] if value is not None]
    if method == "partial_fit":
        return one_pass(model, parts, others, options)
    if method != "fit":
        raise TypeError(f"{who}.{method} takes no {parts!r}: call fit, then fastml.scale.transform or predict")
    if given:
        raise TypeError(
            f"{who}.fit takes parts alone: their y and weights come with them, as in npy(X, y=..., sample_weight=...)"
            " or parquet(path, target=..., sample_weight=...)"
        )
    if hasattr(model, "_fit_steps"):
        if parts.has_weight:
            raise TypeError(f"{who} hands no weights to its steps: leave out sample_weight, or fit the steps by hand")
        return model._fit_steps(parts)
    if getattr(model, "_labels_parts", False):  # what is learnt are the labels
        return model.fit(find_labels(parts).classes)
    if not hasattr(model, "_fit_parts"):
        if not get_tags(model).requires_fit:
            return fit_nothing(model, parts)
        refuse_model(model, parts)
    if not parts.has_target and (is_classifier(model) or is_regressor(model)):
        raise ValueError(f"{parts!r} has no target, and {who} needs one: name it where the parts are made")
    if parts.has_weight and not getattr(model, "_weighted_parts", False):
        raise TypeError(f"{who} takes no weights of a table in parts: leave out sample_weight, where it is made")
    if not getattr(model, "_text_parts", False):
        parts.need_numbers(who)
    if parts.sparse and not getattr(model, "_sparse_parts", False):
        from fastml.scale.sparse_rows import as_dense

        parts = as_dense(parts, who, get_tags(model).input_tags.sparse)
    model._validate_params()
    table = Table(parts, model)
    take_columns(model, parts)
    found = model._fit_parts(table, table.reduce)
    if crossed is not None:
        crossed.append(found)
    take_columns(model, parts)  # where a fit in memory was a part of it, it has set them to its own
    return model


def fit_nothing(model: Any, parts: Parts) -> Any:
    """The fit of a model that learns nothing but what the columns are: a row shows them."""
    if getattr(model, "_documents_parts", False):
        return model.fit([""])
    parts.need_numbers(type(model).__name__)
    model.fit(np.zeros((1, parts.n_features), parts.dtype))
    take_columns(model, parts)
    return model


def take_columns(model: Any, parts: Parts) -> None:
    """What a model remembers of the columns that it was fitted on."""
    model.n_features_in_ = parts.n_features
    model.__dict__.pop("feature_names_in_", None)
    if parts.names is not None:
        model.feature_names_in_ = np.array(parts.names, object)
    model._note_parts(parts)


def refuse_model(model: Any, parts: Parts) -> None:
    who = type(model).__name__
    if hasattr(model, "partial_fit"):
        raise TypeError(
            f"{who} learns from {parts!r} by ordered passes over its chunks, which is not what fit does: say so by"
            " fastml.scale.partial_fit(model, parts, passes=1)"
        )
    raise TypeError(
        f"{who} needs its table in memory as a whole, and this is {parts!r}. Take a class that learns from parts"
        f" ({', '.join(learners())}), or some of the rows: model.fit(*parts.rows(0, 100_000))"
    )


def learners() -> list[str]:
    """Names of the classes that learn from parts."""
    names = []
    for family in FAMILIES:
        module = importlib.import_module(f"fastml.{family}")
        names += [name for name in module.__all__ if hasattr(getattr(module, name), "_fit_parts")]
    return sorted(set(names))


def one_pass(model: Any, parts: Parts, others: list, options: dict) -> Any:
    """model.partial_fit(parts): its chunks in their order, one call each."""
    if others or set(options) - {"classes"}:
        raise TypeError(f"{type(model).__name__}.partial_fit takes parts alone, and classes=")
    return partial_fit(model, parts, classes=options.get("classes"))


def partial_fit(model: Any, parts: Parts, passes: int = 1, *, chunk: int | None = None, classes: Any = None) -> Any:
    """Train a model by its own `partial_fit` on chunks of the table, in their order.

    Stochastic gradients, perceptrons and networks learn row after row, so that a pass in order is what there is; it is
    not the shuffled training of `fit`. Chunks are cut by the numbers of rows: the result does not depend on files.

    Parameters
    ----------
    model : estimator with `partial_fit`
        Of fastml, scikit-learn or others; it is changed. Of a pipeline the last step has it, and those before it are
        fitted first.
    parts : Parts
        The table.
    passes : int, default=1
        How often it is read.
    chunk : int, default=None
        Rows of a chunk. None for as many as hold 2**20 values, at least 2**13 and at most 2**17: a call for each costs
        a third of a millisecond.
    classes : array-like, default=None
        The labels of a classifier; None to find them in a pass over y.

    Returns
    -------
    model

    Examples
    --------
    >>> import numpy as np
    >>> import fastml.scale
    >>> from fastml.linear_model import SGDClassifier
    >>> X = np.linspace(-1, 1, 1000)[:, None]
    >>> parts = fastml.scale.arrays(X, X[:, 0] > 0)
    >>> model = fastml.scale.partial_fit(SGDClassifier(random_state=0), parts, passes=5)
    >>> bool(model.score(X, X[:, 0] > 0) > 0.95)
    True
    """
    if hasattr(model, "steps") and not hasattr(model, "partial_fit"):
        return partial_fit_last(model, parts, passes, chunk=chunk, classes=classes)
    if not hasattr(model, "partial_fit"):
        raise TypeError(f"{type(model).__name__} has no partial_fit")
    if passes < 1 or (chunk is not None and chunk < 1):
        raise ValueError(f"passes={passes} and chunk={chunk} must be at least 1")
    parts.need_numbers(type(model).__name__)
    chunk = min(max(SMALLEST, VALUES // max(1, parts.n_features)), LARGEST) if chunk is None else chunk
    first = {}
    if is_classifier(model):
        first["classes"] = find_labels(parts).classes if classes is None else np.unique(classes)
    for number in range(passes):
        with read_slabs(parts, type(model).__name__, what=f"pass {number + 1} over") as slabs:
            for X, y, weight in chunks_of(slabs, chunk):
                options = first if weight is None else first | {"sample_weight": weight}
                model.partial_fit(X, *([] if y is None else [y]), **options)
                first = {}
    return model


def partial_fit_last(model, parts, passes, **options):
    """A pipeline: the steps before the last learn as in fit, and the last by its own `partial_fit`."""
    from fastml.scale.through import learn_through

    *before, (_, last) = model.steps
    if not hasattr(last, "partial_fit"):
        raise TypeError(f"{type(last).__name__}, the last step, has no partial_fit")
    for _, step in before:
        if step is not None and step != "passthrough":
            parts = learn_through(parts, step)
    partial_fit(last, parts, passes, **options)
    return model


def chunks_of(slabs, size):
    """(X, y, weight) of `size` rows each, whatever the slabs are."""
    kept: list = []
    held = 0
    for slab in slabs:
        at = 0
        while at < len(slab.X):
            taken = min(size - held, len(slab.X) - at)
            part = slice(at, at + taken)
            kept.append(tuple(None if each is None else each[part] for each in (slab.X, slab.y, slab.weight)))
            at, held = at + taken, held + taken
            if held == size:
                yield all_of(kept)
                kept, held = [], 0
    if kept:
        yield all_of(kept)
