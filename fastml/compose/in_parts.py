"""ColumnTransformer over a table in parts: each step learns from its columns, in passes that serve all steps."""

import warnings
from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn.base import BaseEstimator, clone

from fastml.base import Estimator
from fastml.compose.columns import is_passing
from fastml.preprocessing.target_encoder import TargetEncoder
from fastml.scale.fitting import fit_parts
from fastml.scale.framing import first_step, frame_of
from fastml.scale.output import Asking, asked_at, nameless
from fastml.scale.parts import Parts
from fastml.scale.together import Columns, fit_together

__all__ = ["fit_columns"]

FIRST = 1000  # rows by which columns are told apart


class Given(BaseEstimator):
    """A step that has been fitted, for code that would fit it."""

    def __init__(self, step: Any = None):
        self.step = step

    def __sklearn_clone__(self) -> "Given":
        return self

    def set_output(self, **options: Any) -> "Given":
        if self.step is not None and hasattr(self.step, "set_output"):
            self.step.set_output(**options)
        return self

    def fit(self, X: Any, y: Any = None) -> "Given":
        return self

    def transform(self, X: Any) -> Any:
        return np.zeros((len(X), 1)) if self.step is None else self.step.transform(X)

    def fit_transform(self, X: Any, y: Any = None) -> Any:
        return self.transform(X)


def fit_columns(model: Any, table: Any, learn: Any) -> "BesideEachOther | None":
    """Fit the steps of a ColumnTransformer; learn(transformer, X): what its class does with rows in memory.

    Returns what gives the rows on their way to a model, where that is not `transform`.
    """
    parts, who = table.parts, type(model).__name__
    rows = parts.rows(0, FIRST)[0]
    if not len(rows):
        raise ValueError(f"{parts!r} has 0 rows, and {who} needs at least one")
    head = frame_of(rows, parts.names, parts.kinds or [parts.dtype] * parts.n_features)
    steps = {name: step for name, step, _ in model.transformers} | {"remainder": model.remainder}
    for name, step in steps.items():
        refuse_strange(name, step, who)
    probe = clone(model).set_params(n_jobs=None, verbose=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        learn(with_steps(probe, dict.fromkeys(names_of(steps), Given())), head)
    places = {name: list(probe._transformer_to_input_indices.get(name, ())) for name in names_of(steps)}
    vectors = {name for name, _, columns in probe.transformers_ if isinstance(columns, str | int | np.integer)}
    for name in vectors & set(places):
        if not getattr(first_step(steps[name]), "_documents_parts", False):
            raise ValueError(
                f"step {name!r} is given one column as a vector, and {type(steps[name]).__name__} takes tables: name"
                " the column in a list"
            )
    wanted = [name for name, columns in places.items() if columns]
    crossed: dict[str, Any] = {}
    fits = [(places[name], fitting(name, steps[name], crossed)) for name in wanted]
    fitted = dict(zip(wanted, fit_together(parts, who, fits), strict=True))
    kept = model.transformers, model.remainder
    try:
        learn(with_steps(model, {name: Given(fitted.get(name)) for name in places}), head)
    finally:
        model.transformers, model.remainder = kept
    opened = [(n, s.step if isinstance(s, Given) and s.step is not None else s, c) for n, s, c in model.transformers_]
    model.transformers_ = [(n, steps[n] if isinstance(s, Given) else s, c) for n, s, c in opened]
    model._made = {}
    if not any(getattr(each, "numbered", False) for each in crossed.values()):
        return None
    return BesideEachOther(model, parts, crossed)


class BesideEachOther:
    """The rows of a ColumnTransformer, some of whose steps need the numbers of rows."""

    numbered, warns = True, False

    def __init__(self, model: Any, parts: Parts, crossed: dict):
        self.model, self.each = model, []
        weights = model.transformer_weights or {}
        for name, step, _ in model.transformers_:
            places = [int(j) for j in model._transformer_to_input_indices[name]]
            if (isinstance(step, str) and step == "drop") or not places:
                continue
            columns, ask = Columns(parts, places), crossed.get(name)
            if ask is None and not (isinstance(step, str) or is_passing(step)):
                ask = Asking(nameless(step), "transform", None, False, sparse=True)
            self.each.append((columns, ask, weights.get(name)))

    def __call__(self, X: np.ndarray, start: Any) -> np.ndarray:
        found = []
        for columns, ask, weight in self.each:
            rows: Any = columns(X)
            rows = rows if ask is None else asked_at(ask, rows, start)
            rows = rows.toarray() if issparse(rows) else rows
            found.append(rows if weight is None else rows * weight)
        return np.hstack(found)


def names_of(steps: dict) -> list:
    return [name for name, step in steps.items() if not isinstance(step, str)]


def with_steps(model: Any, steps: dict) -> Any:
    """The model, with these in place of its steps of the same names."""
    model.transformers = [(name, steps.get(name, step), columns) for name, step, columns in model.transformers]
    model.remainder = steps.get("remainder", model.remainder)
    return model


def refuse_strange(name: str, step: Any, who: str) -> None:
    if not isinstance(step, str | Estimator):
        raise TypeError(
            f"step {name!r} of {who} is a {type(step).__name__} of {type(step).__module__.partition('.')[0]}, and"
            " steps that learn from a table in parts are fastml's: take the class of that name"
        )
    if any(isinstance(inner, TargetEncoder) for _, inner in getattr(step, "steps", ())):
        raise TypeError(
            f"step {name!r} of {who} is a pipeline with a TargetEncoder, whose rows get means of other folds: of a"
            " table in parts let the TargetEncoder be a step of its own"
        )


def fitting(name: str, step: Any, crossed: dict) -> Any:
    def fit(share: Any) -> Any:
        made = clone(step)
        found: list = []
        fit_parts(made, "fit", (share,), {}, found)
        crossed[name] = found[0] if found else None
        return made

    return fit
