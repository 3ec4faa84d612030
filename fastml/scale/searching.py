"""Searches and cross-validation of tables in parts: what fastml.model_selection does where it is given one."""

from typing import Any

import numpy as np

from fastml._sklearn import _warn_or_raise_about_fit_failures, check_input_parameters
from fastml.kinds.lazy import is_lazy
from fastml.model_selection._callbacks import SearchCallbacks
from fastml.model_selection._evaluation import Evaluation
from fastml.model_selection.validation import arranged, placed
from fastml.progress import progress_bar
from fastml.scale.folding import Numbers, Settings, Validation, checked_scoring, made, with_places
from fastml.scale.parts import Parts
from fastml.scale.scores import score
from fastml.scale.sides import TEST

__all__ = ["cross_predicted", "cross_validated", "scored", "search_parts", "table_of"]

NO_SCORES: dict = {}


def table_of(X: Any, y: Any = None, *, sample_weight: Any = None) -> Parts:
    """The table in parts of what is given in the place of X and y: Parts, or collections of Dask."""
    if not isinstance(X, Parts) and is_lazy(X):
        from fastml.dask import parts

        return parts(X, y, sample_weight=sample_weight)
    if not isinstance(X, Parts):
        raise TypeError(f"y is a Dask {type(y).__name__}, and X is {type(X).__name__}: X must be a collection, too")
    if y is not None or sample_weight is not None:
        raise TypeError(
            "a table in parts is given alone: its y and weights come with it, as in npy(X, y=..., sample_weight=...) or"
            " parquet(path, target=..., sample_weight=...)"
        )
    return X


def given_params(params: Any, who: str) -> tuple[Any, Any]:
    """(groups, sample_weight) of further parameters; others are refused."""
    params = {name: value for name, value in (params or {}).items() if value is not None}
    groups, weight = params.pop("groups", None), params.pop("sample_weight", None)
    if params:
        raise TypeError(
            f"{who} of a table in parts takes groups= and sample_weight= beside X and y, not {', '.join(params)}"
        )
    return groups, weight


class EvaluationInParts(Evaluation):
    """As `Evaluation` of rows in memory: candidates and splits side by side, which share passes."""

    def __init__(self, search: Any, validation: Validation, scoring: Any):
        super().__init__(search, None, None, None, None)
        self.validation = validation
        self.settings = Settings(scoring, search.return_train_score, search.error_score)

    def evaluate(
        self, candidate_params: Any, cv: Any = None, more_results: Any = None, callback_ctx: Any = None
    ) -> Any:
        """Evaluate some candidates; returns the results of all so far. What strategies call."""
        candidates, search, validation = list(candidate_params), self.search, self.validation
        if not candidates:
            raise ValueError("No fits were performed. Was the CV iterator empty? Were there no candidates?")
        if cv is not None and cv is not validation.splitter:
            validation.split_by(cv)
        n_splits = validation.n_splits
        models = [made(search.estimator, candidate) for candidate in candidates]
        rows: list = [[None] * n_splits for _ in candidates]
        try:
            with progress_bar(type(search).__name__, len(models) * n_splits, search.verbose == 1) as show:
                for done, (place, split, result) in enumerate(validation.evaluate(models, self.settings), 1):
                    rows[place][split] = result
                    if show is not None:
                        show(done)
        finally:  # after Ctrl-C the candidates that are done are kept
            whole = [at for at, row in enumerate(rows) if None not in row]
            self.candidates += [candidates[at] for at in whole]
            self.out += [result for at in whole for result in rows[at]]
            for key, values in (more_results or {}).items():
                self.more[key].extend(np.asarray(values)[whole].tolist())
        told = [(f"candidate {at} on fold {i}", row[i]) for at, row in enumerate(rows) for i in range(n_splits)]
        with_places(told)
        _warn_or_raise_about_fit_failures([result for _, result in told], search.error_score)
        return self.results()


def search_parts(search: Any, X: Any, y: Any, dev: Any, params: dict) -> None:
    """The fit of a search of a table in parts."""
    who = type(search).__name__
    if dev is not None:
        raise TypeError(f"{who} of a table in parts takes no dev: put both sets into one table, and cv=PredefinedSplit")
    scoring = checked_scoring(search.scoring)
    groups, weight = given_params(params, who)
    validation = Validation(search.estimator, table_of(X, y, sample_weight=weight), search.cv, groups, who)
    scorers, refit_metric = search._get_scorers()
    search._checked_cv_orig, search._n_samples_orig = validation.splitter, validation.n
    classes = None if validation.labels is None else validation.labels.classes
    check_input_parameters(search, np.empty((validation.n, 0)), classes, {})
    search.n_splits_, search._questions = validation.n_splits, 0
    evaluation = EvaluationInParts(search, validation, scoring)
    callbacks = SearchCallbacks(search, X, y, params)
    search._evaluate(evaluation, scorers, refit_metric, callbacks)
    if search.refit:
        search._fit_best(validation.whole(), None, {}, callbacks)
    callbacks.end()


def scored(search: Any, X: Any, y: Any) -> float:
    """`search.score` of a table in parts."""
    scoring = checked_scoring(search.scoring)
    if isinstance(scoring, dict):
        scoring = scoring[search.refit] if isinstance(search.refit, str) else None
    return score(search.best_estimator_, table_of(X, y), scoring)


def cross_validated(estimator: Any, X: Any, y: Any, options: dict) -> tuple[dict, dict, Any]:
    """(scikit-learn's dict of results, indices, out-of-fold predictions or None) of `cross_validate`."""
    method, error_score = options["return_predictions"], options["error_score"]
    scoring = checked_scoring(options["scoring"])
    validation = validation_of(estimator, X, y, options, "cross_validate")
    keep = bool(method) or options["return_estimator"]
    settings = Settings(scoring, options["return_train_score"], error_score, keep)
    found = fitted_on_each(validation, estimator, settings, options["verbose"] == 1)
    results = arranged(found, options)
    views = {"train": validation.train, "test": validation.test}
    indices: dict = {name: tuple(Numbers(view(split)) for split in range(len(found))) for name, view in views.items()}
    if options["return_indices"]:
        indices = {name: tuple(np.asarray(each) for each in every) for name, every in indices.items()}
        results["indices"] = indices
    models = [each["estimator"] for each in found] if method else []
    said = out_of_fold(validation, models, "predict" if method is True else method) if method else None
    return results, indices, said


def validation_of(estimator: Any, X: Any, y: Any, options: dict, who: str) -> Validation:
    groups, weight = given_params((options["params"] or {}) | {"groups": options["groups"]}, who)
    return Validation(estimator, table_of(X, y, sample_weight=weight), options["cv"], groups, who)


def fitted_on_each(validation: Validation, estimator: Any, settings: Settings, verbose: bool) -> list[dict]:
    """The results of each split."""
    n_splits = validation.n_splits
    found: list = [None] * n_splits
    with progress_bar("cross-validation", n_splits, verbose) as show:
        for done, (_, split, result) in enumerate(validation.evaluate([estimator], settings), 1):
            found[split] = result
            if show is not None:
                show(done)
    with_places([(f"fold {split}", result) for split, result in enumerate(found)])
    _warn_or_raise_about_fit_failures(found, settings.error_score)
    return found


def cross_predicted(estimator: Any, X: Any, y: Any, options: dict) -> Any:
    """`cross_val_predict` of a table in parts: an array in memory; of collections of Dask one that is lazy."""
    validation = validation_of(estimator, X, y, options, "cross_val_predict")
    tested = np.zeros(validation.n, np.uint8)
    for split in range(validation.n_splits):
        flags = validation.splits.flags(split, 0, validation.n) & TEST
        tested += flags // TEST
    if not (tested == 1).all():
        raise ValueError("cross_val_predict only works for partitions: each row must be in one test set")
    settings = Settings(error_score="raise", keep=True, scoring=NO_SCORES)
    found = fitted_on_each(validation, estimator, settings, options["verbose"] == 1)
    return out_of_fold(validation, [each["estimator"] for each in found], options["method"])


def out_of_fold(validation: Validation, models: list, method: str) -> Any:
    """(n_samples, ...) what the model says of each row that it was not fitted on."""
    if None in models:
        raise ValueError("a fit has failed, and its fold has no predictions: see error_score")
    if type(validation.parts).__name__ == "DaskParts":
        from fastml.dask.splitting import out_of_fold as lazily

        return lazily(validation, models, method)
    tests = [np.asarray(Numbers(validation.test(split))) for split in range(len(models))]
    return placed(validation.said(models, method), tests, validation.n, method)
