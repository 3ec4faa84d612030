"""Scores of responses that are already there: what a scorer would give for the estimator that answers so."""

import copy

import numpy as np
from sklearn.base import is_classifier, is_regressor

from fastml import metrics

__all__ = ["Scorers"]


class Scorers:
    """The scorers of a search, one or several by name, and the responses they ask for.

    scorer: what scikit-learn's `check_scoring` returns
    estimator: the one that is scored; of a pipeline, its last step

    `method` is the one response that all of them ask for, "predict" or "predict_proba"...; None where a scorer wants
    the fitted estimator itself, so that nothing can be scored from responses.
    """

    def __init__(self, scorer, estimator):
        several = getattr(scorer, "_scorers", None)
        self.named = several if isinstance(several, dict) else {None: scorer}
        methods = {response_method(each, estimator) for each in self.named.values()}
        self.method = methods.pop() if len(methods) == 1 else None

    def score(self, estimator, response, y):
        """The score, or a dict of scores by name, of one response to the rows with the targets y."""
        scores = {name: self._score(scorer, estimator, response, y) for name, scorer in self.named.items()}
        return scores.get(None, scores)

    def score_all(self, estimator, responses, y):
        """The scores of several responses to the same rows; accuracies all at once."""
        if y.ndim == 1 and None in self.named and plain_score(self.named[None], estimator) == "accuracy_score":
            responses = np.asarray(responses)
            if responses.dtype == y.dtype and y.dtype.kind in "iubU":
                return ((responses == y).sum(axis=1) / len(y)).tolist()
        return [self.score(estimator, response, y) for response in responses]

    def _score(self, scorer, estimator, response, y):
        name = plain_score(scorer, estimator)
        if name is not None and response.dtype != np.float32:  # scikit-learn sums the errors of float32 in float32
            sign, options = getattr(scorer, "_sign", 1), getattr(scorer, "_kwargs", {})
            return sign * getattr(metrics, name)(y, response, **options)
        return scorer(answering(estimator, self.method, response), None, y)


def response_method(scorer, estimator):
    """The one method of the estimator that the scorer calls, or None where that cannot be told."""
    if plain_score(scorer, estimator) is not None:
        return "predict"
    methods = getattr(scorer, "_response_method", ())
    methods = [methods] if isinstance(methods, str) else methods
    return next((method for method in methods if hasattr(estimator, method)), None)


def plain_score(scorer, estimator):
    """Name of the function of fastml.metrics that scores the predicted values, where the scorer does just that."""
    if type(scorer).__name__ == "_PassthroughScorer":
        module = getattr(getattr(type(estimator), "score", None), "__module__", "")
        if module != "sklearn.base" and not module.startswith("fastml."):
            return None  # of one's own: it may score anything
        return "accuracy_score" if is_classifier(estimator) else "r2_score" if is_regressor(estimator) else None
    function = getattr(scorer, "_score_func", None)
    name = getattr(function, "__name__", "")
    predicts = getattr(scorer, "_response_method", None) == "predict"
    if predicts and name in metrics.__all__ and function.__module__.startswith("sklearn.metrics"):
        return name
    return None


def answering(estimator, method, response):
    """A copy of the estimator that gives one response, whatever it is asked about."""
    standing_in = copy.copy(estimator)

    def answer(X):
        return response

    answer.__name__ = method  # scikit-learn asks by name which response it got
    setattr(standing_in, method, answer)
    return standing_in
