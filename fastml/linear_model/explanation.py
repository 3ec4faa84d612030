"""What a linear model's score is made of."""

from dataclasses import dataclass

import numpy as np

__all__ = ["Explanation"]


@dataclass(frozen=True)
class Explanation:
    """The contribution of each feature to the scores of one sample: its value times its weight.

    Attributes
    ----------
    prediction : object
        What the model predicts for the sample.
    outputs : list
        The name of each score: the class it speaks for, or the number of the output.
    features : list of str
        The features' names.
    contributions : ndarray of shape (n_outputs, n_features)
        Value times weight; a row's sum and its intercept make the score.
    intercepts, scores : ndarray of shape (n_outputs,)
        The intercepts, and the scores that result.
    """

    prediction: object
    outputs: list
    features: list
    contributions: np.ndarray
    intercepts: np.ndarray
    scores: np.ndarray

    def top(self, n=10, output=None):
        """The n features that weigh most in one score, as (name, contribution); default the highest score's."""
        row = int(np.argmax(self.scores)) if output is None else self.outputs.index(output)
        order = np.argsort(-np.abs(self.contributions[row]), kind="stable")[:n]
        return [(self.features[j], float(self.contributions[row, j])) for j in order]

    def __str__(self):
        lines = [f"prediction: {self.prediction}"]
        for row, name in enumerate(self.outputs):
            lines.append(f"score of {name}: {self.scores[row]:.6g}")
            lines += [f"  {value:+12.6g}  {feature}" for feature, value in self.top(10, name) if value]
            lines.append(f"  {self.intercepts[row]:+12.6g}  (intercept)")
        return "\n".join(lines)
