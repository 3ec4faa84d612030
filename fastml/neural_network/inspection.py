"""What a fitted perceptron says of itself: its network, why it answers as it does, how its training went."""

from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from fastml.base import one_row
from fastml.explanation import Explanation
from fastml.neural_network import doctor, explaining
from fastml.neural_network.network import Network
from fastml.neural_network.training import LOOKED_AT, sample_of
from fastml_ext.neural.codes import ACTIVATIONS

__all__ = ["Inspected"]

MOST_ROWS = 20_000  # that tell what the best constant answer costs


class Inspected:
    """Methods of the perceptrons that look at what was learnt, and at how."""

    coefs_: Any
    intercepts_: Any
    history_: Any
    learning_rate_: Any
    learning_rate_init: Any
    loss: Any
    n_jobs: Any
    _design: Any
    _flat_weights: Any
    _check_rows: Any

    @property
    def network_(self) -> Network:
        """The fitted weights as a `Network`: its graph, summary, picture, and derivatives towards X."""
        return Network.from_estimator(self)

    def explain(self, x: Any) -> Explanation:
        """What each feature of one sample x, array-like of shape (n_features,) or (1, n_features), adds to the scores.

        Returns
        -------
        Explanation
            A row for each feature, the one that weighs most in the highest score first: its value, and derivative times
            value for each output. Details: `contributions` and `gradients` (n_outputs, n_features), `scores` and `rest`
            (n_outputs,): contributions and rest sum to the score, the weighted sum before softmax or the logistic.
        """
        return explaining.explain(self.network_, self._check_rows(one_row(x)))

    def diagnose(self) -> doctor.Diagnosis:
        """What the course of training says: a line of advice for each illness, at most one of each.

        Returns
        -------
        Diagnosis
            `findings`, their `names`, whether training was `healthy`; `print` shows the lines.
        """
        check_is_fitted(self)
        steps = (
            {}
            if self.learning_rate_ is None
            else {"asked_step": self.learning_rate_init, "taken_step": self.learning_rate_}
        )
        return doctor.diagnose(self.history_, self._facts._replace(**steps))

    @np.errstate(all="ignore")  # facts that overflow say so as infinities
    def _note_facts(self, data):
        """Keep what training starts from, for `diagnose`: data is codes.Data."""
        from fastml_ext import neural as kernels

        design, some = self._design, sample_of(data, LOOKED_AT[1])
        many = np.arange(0, len(data.Y), 1 + len(data.Y) // MOST_ROWS)
        many = kernels.Data(some.X, data.Y[many], data.weight[many] if data.weight.size else data.weight)
        first_loss = constant_loss = np.nan
        if not many.weight.size or (some.weight.any() and many.weight.any()):
            weight = many.weight if many.weight.size else np.ones(len(many.Y))
            same = np.broadcast_to(constant(many.Y, weight, self.loss), many.Y.shape).copy()
            first = kernels.outputs(design, self._flat_weights(), some.X, self.n_jobs)
            first_loss, constant_loss = (kernels.mean_loss(design, *pair) for pair in ((first, some), (same, many)))
        names = [list(ACTIVATIONS)[code] for code in design.activations]
        self._facts = doctor.facts_of(data.X, self.coefs_, self.intercepts_, names, first_loss, constant_loss)


def constant(Y, weight, loss):
    """The best answer that is the same for all samples: medians for losses of absolute size, else means."""
    if loss in ("absolute_error", "huber"):
        return np.median(Y, axis=0).astype(Y.dtype)
    return (weight @ Y / weight.sum()).astype(Y.dtype)
