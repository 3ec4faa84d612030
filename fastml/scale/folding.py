"""Cross-validation of tables in parts: which rows train and test, and models that are fitted and measured side by side.

All fits and scores share the passes over the table, see together.py; each has the bits that it has by itself.
"""

import time
import traceback
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from sklearn.base import clone, is_classifier
from sklearn.utils import get_tags

from fastml.base import Estimator
from fastml.kinds.lazy import is_lazy
from fastml.model_selection.folds import checked_folds
from fastml.scale.fitting import Checks, refuse_model, rows_of_piece
from fastml.scale.labels import find_labels
from fastml.scale.output import asking
from fastml.scale.parts import Parts
from fastml.scale.ranks import SCORINGS
from fastml.scale.scores import score
from fastml.scale.side_by_side import MOST, Together
from fastml.scale.sides import ALL, TEST, TRAIN, sides_of
from fastml.scale.views import Splits, View
from fastml.warning import warn

__all__ = ["Numbers", "Settings", "Validation", "checked_scoring", "made", "with_places"]


class Settings(NamedTuple):
    """How models are fitted and measured on a split."""

    scoring: Any = None  # a name of `SCORINGS`, {name in the results: such a name}, or None for the model's own
    train_too: bool = False
    error_score: Any = np.nan
    keep: bool = False  # the fitted models


class Validation:
    """The splits of a table in parts, and what is fitted and measured on them."""

    def __init__(self, model: Any, parts: Parts, cv: Any, groups: Any = None, who: str = "cross-validation"):
        if parts.once:
            raise ValueError(
                f"these chunks can be read once, and {who} needs several passes: give a list, or a function that"
                " returns a new iterator"
            )
        if not parts.has_target:
            raise ValueError(f"{parts!r} has no target, and {who} needs one: name it where the parts are made")
        refuse_what_cannot(model, parts)
        refuse_lazy_groups(groups)
        self.parts = parts
        self.labels = find_labels(parts) if is_classifier(model) else None
        if parts.n_rows is None:
            parts.n_rows = sum(parts.map_targets(rows_of_piece))
        if not parts.n_rows:
            raise ValueError(f"{parts!r} has 0 rows, and at least one is needed to learn from")
        self.n, self.groups = parts.n_rows, grouped(groups, parts.n_rows)
        classes = None if self.labels is None else self.labels.classes
        self.splitter = cv if hasattr(cv, "flags") else checked_folds(cv, classes, self.labels is not None)
        self.split_by(self.splitter)

    def split_by(self, splitter: Any) -> None:
        """Take the splits of another splitter."""
        sides = sides_of(splitter, self.parts, self.n, self.labels, self.groups)
        self.splits = Splits(self.parts, sides, self.n)
        self.together = Together(self.splits)
        self.n_splits = sides.n_splits
        for split in range(self.n_splits):
            for side, word in ((TRAIN, "training"), (TEST, "test")):
                if not self.splits.length(split, side):
                    raise ValueError(f"split {split} of {type(splitter).__name__} has no {word} rows: take fewer folds")

    def train(self, split: int) -> View:
        return View(self.splits, split, TRAIN, f"all but fold {split}")

    def test(self, split: int) -> View:
        return View(self.splits, split, TEST, f"fold {split}")

    def whole(self) -> View:
        """All rows, whose state may be known already."""
        return View(self.splits, ALL, TRAIN, "")

    def evaluate(self, models: list, settings: Settings) -> Iterator[tuple[int, int, dict]]:
        """(number of the model, split, result as scikit-learn's searches have it), as they end."""
        jobs = [
            Evaluated(self, model, split, settings, number, min(MOST, len(models) * self.n_splits))
            for number, model in enumerate(models)
            for split in range(self.n_splits)
        ]
        for place, result in self.together.run(jobs):
            number, split = divmod(place, self.n_splits)
            yield number, split, result

    def said(self, models: list, method: str) -> list[np.ndarray]:
        """What the model of each split says of its test rows: one pass."""
        asked = [(self.test(split), model) for split, model in enumerate(models)]
        jobs = [SaidOf(view, model, method) for view, model in asked]
        return [answers for _, answers in sorted(self.together.run(jobs), key=lambda each: each[0])]


class Evaluated(NamedTuple):
    """A fit and its scores: what a thread of `Together` does."""

    validation: Validation
    model: Any
    split: int
    settings: Settings
    number: int  # of the candidate
    beside: int  # how many have their passes together

    def __call__(self) -> dict:
        train, test = self.validation.train(self.split), self.validation.test(self.split)
        settings, model = self.settings, clone(self.model)
        failed = settings.error_score
        if isinstance(settings.scoring, dict):
            failed = dict.fromkeys(settings.scoring, failed)
        result: dict = {"fit_error": None, "n_test_samples": test.n_rows, "test_scores": failed}
        result |= {"train_scores": failed} if settings.train_too else {}
        refuse_what_cannot(model, train)
        started = fitted_at = time.perf_counter()
        try:
            model.fit(train)
            fitted_at = time.perf_counter()
        except Exception as error:
            if settings.error_score == "raise":
                raise self.told(error) from None
            result["fit_error"] = "".join(traceback.format_exception_only(error))
        else:
            result["test_scores"] = self.score(model, test, failed)
            if settings.train_too:
                result["train_scores"] = self.score(model, train, failed)
        result["fit_time"] = (fitted_at - started) / self.beside
        result["score_time"] = (time.perf_counter() - fitted_at) / self.beside
        return result | ({"estimator": None if result["fit_error"] else model} if settings.keep else {})

    def score(self, model: Any, view: View, failed: Any) -> Any:
        scoring = self.settings.scoring
        try:
            if not isinstance(scoring, dict):
                return score(model, view, scoring)
            found = score(model, view, list(dict.fromkeys(scoring.values()))) if scoring else {}
            return {name: found[own] for name, own in scoring.items()}
        except Exception as error:
            if self.settings.error_score == "raise":
                raise self.told(error) from None
            told = "".join(traceback.format_exception_only(error))
            warn(
                f"Scoring failed of {self.place()}. The score on this train-test partition for these parameters will be"
                f" set to {self.settings.error_score}. Details: {told}",
                UserWarning,
            )
            return failed

    def place(self) -> str:
        return f"candidate {self.number} on fold {self.split}"

    def told(self, error: Exception) -> Exception:
        """The error, which tells where it has happened."""
        error.add_note(f"in {self.place()}: {self.model!r}")
        return error


class SaidOf(NamedTuple):
    """What a model says of all rows of a view, in their order: what a thread of `Together` does."""

    view: View
    model: Any
    method: str

    def __call__(self) -> np.ndarray:
        ask = asking(self.model, self.view, self.method)
        checks = Checks(type(self.model).__name__, self.view.names, finite=False)
        checks.raw = True
        found = self.view.reduce(Saying(ask), checks, f"{self.method} of", 1 if ask.warns else None)
        return np.concatenate(found)


class Saying:
    """The reduction that keeps a model's answers."""

    def __init__(self, ask: Any):
        self.ask = ask

    def partial(self, rows: Any) -> list:
        return [self.ask(rows.X)]

    def merge(self, first: list, second: list) -> list:
        return first + second


class Numbers:
    """The numbers of the rows of a view, listed when somebody looks at them."""

    def __init__(self, view: View):
        self.view = view

    def __len__(self) -> int:
        return int(self.view.n_rows or 0)

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        found = np.flatnonzero(self.view.splits.flags(self.view.split, 0, self.view.splits.n) & self.view.side)
        return found if dtype is None else found.astype(dtype)


def refuse_what_cannot(model: Any, parts: Parts) -> None:
    """Refuse a model that needs its table in memory as a whole, also where it is a step of a pipeline."""
    if hasattr(model, "_fit_steps"):
        for _, step in model.steps:
            if step is not None and not isinstance(step, str):
                refuse_what_cannot(step, parts)
    elif not isinstance(model, Estimator) or not (
        hasattr(model, "_fit_parts") or getattr(model, "_labels_parts", False) or not get_tags(model).requires_fit
    ):
        refuse_model(model, parts)


def refuse_lazy_groups(groups: Any) -> None:
    if is_lazy(groups):
        raise TypeError(
            f"groups is a Dask {type(groups).__name__}, and folds by groups are made in memory, of 8 bytes a row: pass"
            " its .compute()"
        )


def grouped(groups: Any, n: int) -> Any:
    """(n,) the groups of the rows, in memory; None of none."""
    refuse_lazy_groups(groups)
    if groups is None:
        return None
    groups = np.asarray(groups)
    if groups.shape != (n,):
        raise ValueError(f"groups has shape {groups.shape}, but there are {n} rows")
    return groups


def checked_scoring(scoring: Any) -> Any:
    """`Settings.scoring` of what users give: a name, or several as a list, tuple, set or dict."""
    if callable(scoring) or not (scoring is None or isinstance(scoring, str | dict | list | tuple | set)):
        refuse_scoring(scoring)
    several = isinstance(scoring, list | tuple | set | dict)
    if several and not isinstance(scoring, dict):
        scoring = {name: name for name in scoring}
    for name in scoring.values() if several else [scoring]:
        if name is not None and not isinstance(name, str):
            refuse_scoring(name)
        if name is not None and name not in SCORINGS:
            raise ValueError(f"scoring={name!r} is none of what is counted in parts: {', '.join(sorted(SCORINGS))}")
    return scoring


def refuse_scoring(scoring: Any) -> None:
    raise TypeError(
        f"scoring={scoring!r} takes rows in memory, and those of a table in parts are counted where they are: name"
        f" one or several of {', '.join(sorted(SCORINGS))}"
    )


def with_places(results: list[tuple[str, dict]]) -> None:
    """Let errors of fits say in which candidates and splits they occurred: each text once for all."""
    places: dict = {}
    for place, result in results:
        if result["fit_error"]:
            places.setdefault(result["fit_error"], []).append((place, result))
    for text, found in places.items():
        where = ", ".join(place for place, _ in found[:10]) + (f" and {len(found) - 10} more" * (len(found) > 10))
        for _, result in found:
            result["fit_error"] = f"In {where}:\n{text}"


def made(estimator: Any, parameters: dict) -> Any:
    """A clone of an estimator with these parameters."""
    return clone(estimator).set_params(**clone(parameters, safe=False))
