"""The evaluation of a search's candidates: in groups where they share work, one by one where they do not."""

import time
from collections import defaultdict

import numpy as np
from joblib import Parallel, delayed
from sklearn.base import clone, is_classifier
from sklearn.pipeline import Pipeline

from fastml._sklearn import _fit_and_score, _insert_error_scores, _warn_or_raise_about_fit_failures
from fastml.model_selection._scoring import Scorers
from fastml.model_selection._there import Data, evaluate_there, workers_now
from fastml.progress import progress_bar
from fastml.sharing import NotShared, group_by_shared_work, separate_fit, shared_responses

__all__ = ["Evaluation"]


class Evaluation:
    """Scores of every candidate on every split, collected over the calls of a search's strategy.

    out: one dict for each candidate and split, candidates first, as scikit-learn's `_format_results` takes them
    shared: how many candidates shared their work with others
    """

    def __init__(self, search, scorers, X, y, routed):
        self.search, self.scorers, self.X, self.y, self.routed = search, scorers, X, y, routed
        self.candidates, self.out, self.more = [], [], defaultdict(list)
        self.shared = 0
        self._formatted: tuple = None, None

    def evaluate(self, candidate_params, cv=None, more_results=None, callback_ctx=None):
        """Evaluate some candidates; returns the results of all so far. What strategies call."""
        candidates, search = list(candidate_params), self.search
        splits = list((cv or search._checked_cv_orig).split(self.X, self.y, **self.routed.splitter.split))
        if len(splits) != search.n_splits_:
            raise ValueError(
                f"cv.split and cv.get_n_splits return inconsistent results. Expected {search.n_splits_} splits, got"
                f" {len(splits)}"
            )
        splits = [(rows_meant(train), rows_meant(test)) for train, test in splits]
        if not candidates or not splits:
            raise ValueError("No fits were performed. Was the CV iterator empty? Were there no candidates?")
        rows: list = [None] * len(candidates)
        total = len(candidates) * len(splits)
        self.contexts = self._contexts_of(callback_ctx, total)
        try:
            with progress_bar(type(search).__name__, total, search.verbose == 1) as show:
                self._evaluate_into(rows, candidates, splits, show)
        finally:  # after Ctrl-C the candidates that are done are kept
            done = [at for at, row in enumerate(rows) if row is not None]
            self.candidates += [candidates[at] for at in done]
            self.out += [result for at in done for result in rows[at]]
            for key, values in (more_results or {}).items():
                self.more[key].extend(np.asarray(values)[done].tolist())
        _warn_or_raise_about_fit_failures([result for row in rows for result in row], search.error_score)
        return self.results()

    def results(self):
        """`cv_results_` of the candidates done so far."""
        done, results = self._formatted
        if done != len(self.out):  # formatting warns of scores that are not finite: once is enough
            if callable(self.search.scoring):
                _insert_error_scores(self.out, self.search.error_score)
            results = self.search._format_results(self.candidates, self.search.n_splits_, self.out, self.more)
            self._formatted = len(self.out), results
        return results

    def _evaluate_into(self, rows, candidates, splits, show):
        """Fill `rows`, one for each candidate, with the results of all splits."""
        there = workers_now()
        if there is not None:
            self._evaluate_there(there, rows, candidates, splits, show)
            return
        single = []
        for estimator, settings, places in self._groups(candidates):
            evaluated = self._share(estimator, settings, splits) if len(settings) > 1 else None
            if evaluated is None:
                single += places
                continue
            for place, row in zip(places, evaluated, strict=True):
                rows[place] = row
            self.shared += len(places)
            if show is not None:
                show(sum(row is not None for row in rows) * len(splits))
        for place, row in self._one_by_one(sorted(single), candidates, splits, show, len(candidates) - len(single)):
            rows[place] = row

    def _evaluate_there(self, there, rows, candidates, splits, show):
        """As `_evaluate_into`, by tasks on workers: of a candidate, or of a group that shares work, on a split."""
        search, n_splits = self.search, len(splits)
        if self.contexts:
            raise TypeError(
                "callbacks do not hear of fits on workers: take them off, or fit without fastml.dask.workers"
            )
        data = Data(self.X, self.y, self.routed.estimator.fit, self.routed.scorer.score)
        options, found = self._options(), [[None] * n_splits for _ in candidates]
        shared, tasks, members = [True] * len(candidates), [], []
        for like, settings, places in self._groups(candidates):
            chosen = [candidates[place] for place in places]
            group = (like, settings, chosen) if len(places) > 1 else None
            for split in range(n_splits):
                told = [f"candidate {place} on fold {split}: {candidates[place]}" for place in places]
                tasks.append((split, group, chosen[0], search.estimator, options, told))
                members.append((places, split))
        for done, (task, (results, together)) in enumerate(there.run(evaluate_there, data, splits, tasks), 1):
            places, split = members[task]
            for place, result in zip(places, results, strict=True):
                found[place][split] = result
                shared[place] &= together
                if None not in found[place]:
                    rows[place] = found[place]
            if show is not None:
                show(done * len(candidates) * n_splits // len(tasks))
        self.shared += sum(shared)

    def _contexts_of(self, callback_ctx, total):
        """A task for each candidate and split, where callbacks are to hear of them."""
        if callback_ctx is None or not getattr(self.search, "_skl_callbacks", None):
            return None
        name = "candidate-split-evaluation"
        return [callback_ctx.subcontext(task_name=name, task_id=task) for task in range(total)]

    def _groups(self, candidates):
        """Groups that share work; none where fit or the scores need more than X and y, or a callback listens."""
        routed, told = self.routed, self.contexts or hasattr(self.search.estimator, "_skl_callbacks")
        if self.y is None or routed.estimator.fit or routed.scorer.score or told:
            return [(None, [candidate], [place]) for place, candidate in enumerate(candidates)]
        return group_by_shared_work(clone(self.search.estimator), candidates)

    def _share(self, estimator, settings, splits):
        """A row of results for each setting, or None where they are not shared; then each is fitted by itself."""
        scored = clone(estimator.steps[-1][1] if isinstance(estimator, Pipeline) else estimator)
        scorers = Scorers(self.scorers, scored)
        if scorers.method is None:
            return None
        y = np.asarray(self.y)
        try:
            if is_classifier(scored):
                with separate_fit():
                    scored.classes_ = np.unique(y)
            rows = self._shared_rows(estimator, scored, scorers, y, settings, splits)
        except NotShared:
            return None
        return rows

    def _shared_rows(self, estimator, scored, scorers, y, settings, splits):
        rows: list = [[] for _ in settings]
        train_too = self.search.return_train_score
        with_train = [(train, np.concatenate([test, train]) if train_too else test) for train, test in splits]
        every = shared_responses(estimator, self.X, y, with_train, settings, scorers.method)
        start = time.perf_counter()
        for (train, test), responses in zip(splits, every, strict=True):
            answered = time.perf_counter()
            tested = cut(responses, slice(0, len(test)))
            trained = cut(responses, slice(len(test), None)) if train_too else None
            with separate_fit():  # a scorer that fails is reported by scikit-learn, too
                scores = scorers.score_all(scored, tested, y[test])
                more = scorers.score_all(scored, trained, y[train]) if train_too else [None] * len(settings)
            for row, score, train_score in zip(rows, scores, more, strict=True):
                row.append(result_of(score, train_score, len(test)))
            scored_at = time.perf_counter()
            times = {
                "fit_time": (answered - start) / len(settings),
                "score_time": (scored_at - answered) / len(settings),
            }
            for row in rows:
                row[-1] |= times
            start = scored_at
        return rows

    def _options(self):
        """What `_fit_and_score` is told for every candidate and split."""
        search = self.search
        return {
            "scorer": self.scorers,
            "return_train_score": search.return_train_score,
            "return_n_test_samples": True,
            "return_times": True,
            "return_parameters": False,
            "error_score": search.error_score,
            "verbose": 0 if search.verbose == 1 else search.verbose,
        }

    def _one_by_one(self, places, candidates, splits, show, already):
        """(place, row of results) of each candidate, fitted by itself on every split."""
        search, options = self.search, self._options()
        options |= {"fit_params": self.routed.estimator.fit, "score_params": self.routed.scorer.score}
        n_splits, n_candidates = len(splits), len(candidates)
        tasks = (
            delayed(_fit_and_score)(
                clone(search.estimator), self.X, self.y, train=train, test=test, parameters=candidates[place],
                split_progress=(at, n_splits), candidate_progress=(place, n_candidates), **options,
                **({"caller": search, "callback_ctx": self.contexts[place * n_splits + at]} if self.contexts else {}),
            )
            for place in places
            for at, (train, test) in enumerate(splits)
        )  # fmt: skip
        threads = Parallel(search.n_jobs, prefer="threads", pre_dispatch=search.pre_dispatch, return_as="generator")
        row = []
        for done, result in enumerate(threads(tasks), 1):
            if show is not None:
                show(already * n_splits + done)
            row.append(result)
            if len(row) == n_splits:
                yield places[(done - 1) // n_splits], row
                row = []


def cut(responses, rows):
    """Some rows of every response."""
    if isinstance(responses, np.ndarray):
        return responses[:, rows]
    return [response[rows] for response in responses]


def result_of(score, train_score, n_test):
    """What scikit-learn's `_fit_and_score` returns for a fit that did not fail."""
    result = {"fit_error": None, "test_scores": score, "n_test_samples": n_test}
    return result if train_score is None else result | {"train_scores": train_score}


def rows_meant(part):
    """The rows of one side of a split by number, also where it is a mask."""
    part = np.asarray(part)
    return np.flatnonzero(part) if part.dtype == bool else part
