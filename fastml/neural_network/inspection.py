"""What a fitted perceptron says of itself: its network, why it answers as it does, how its training went."""

from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from fastml.base import one_row
from fastml.neural_network import doctor, explaining
from fastml.neural_network.network import Network
from fastml.neural_network.training import looked_at, rows_of
from fastml_ext.neural.codes import ACTIVATIONS

__all__ = ["Inspected"]


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
    def network_(self):
        """The fitted weights as a `Network`: its graph, summary, picture, and derivatives towards X."""
        return Network.from_estimator(self)

    def explain(self, x):
        """What each feature of one sample x, array-like of shape (n_features,) or (1, n_features), adds to the scores.

        Returns
        -------
        Explanation
            A row for each feature, the one that weighs most in the highest score first: its value, and derivative times
            value for each output. Details: `contributions` and `gradients` (n_outputs, n_features), `scores` and `rest`
            (n_outputs,): contributions and rest sum to the score, the weighted sum before softmax or the logistic.
        """
        return explaining.explain(self.network_, self._check_rows(one_row(x)))

    def diagnose(self):
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

    def _note_facts(self, data):
        """Keep what training starts from, for `diagnose`: data is codes.Data."""
        from fastml_ext import neural as kernels

        X, Y, design = data.X, data.Y, self._design
        weight = data.weight if data.weight.size else np.ones(len(Y))
        same = np.broadcast_to(constant(Y, weight, self.loss), Y.shape).copy()
        some = rows_of(data, looked_at(data))
        first = kernels.outputs(design, self._flat_weights(), some.X, self.n_jobs)
        self._facts = doctor.facts_of(
            X,
            self.coefs_,
            self.intercepts_,
            [list(ACTIVATIONS)[code] for code in design.activations],
            kernels.mean_loss(design, first, some),
            kernels.mean_loss(design, same, data),
        )


def constant(Y, weight, loss):
    """The best answer that is the same for all samples: medians for losses of absolute size, else means."""
    if loss in ("absolute_error", "huber"):
        return np.median(Y, axis=0).astype(Y.dtype)
    return (weight @ Y / weight.sum()).astype(Y.dtype)
