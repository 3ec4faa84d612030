"""Probabilities of the classes from their scores. Contract: reference.py."""

import numpy as np

from fastml_ext import pool
from fastml_ext.jit import kernel

__all__ = ["log_posterior", "most_probable"]


def log_posterior(scores, n_jobs=None):
    result = np.empty(scores.shape)
    pool.run(normalise_rows, len(scores), scores, result, cost=8 * scores.shape[1] + 10, n_jobs=n_jobs)
    return result


@kernel
def normalise_rows(start, stop, scores, result):
    k = scores.shape[1]
    for i in range(start, stop):
        top = scores[i, 0]
        for c in range(1, k):
            top = max(top, scores[i, c])
        total = 0.0
        for c in range(k):
            # inf - inf is no number: classes that share an infinite score share the probability
            result[i, c] = 0.0 if scores[i, c] == top else scores[i, c] - top
            total += np.exp(result[i, c])
        total = np.log(total)
        for c in range(k):
            result[i, c] -= total


def most_probable(scores, n_jobs=None):
    codes = np.empty(len(scores), np.int64)
    pool.run(best_of_rows, len(scores), scores, codes, cost=scores.shape[1] + 1, n_jobs=n_jobs)
    return codes


@kernel
def best_of_rows(start, stop, scores, codes):
    for i in range(start, stop):
        best = 0
        for c in range(1, scores.shape[1]):
            if scores[i, c] > scores[i, best]:
                best = c
        codes[i] = best
