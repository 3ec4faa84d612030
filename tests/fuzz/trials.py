"""The kinds of trials: each draws a case from a seed, judges it, and knows what is smaller."""

import cases
import files
import judge
import metrics
import numpy as np


class Estimators:
    """Any estimator, fitted and asked."""

    draw = staticmethod(cases.draw)
    judge = staticmethod(judge.judge)
    smaller = staticmethod(cases.smaller)


class Metrics:
    """Any metric, beside scikit-learn's."""

    @staticmethod
    def draw(seed, only=None):
        return metrics.draw(np.random.default_rng(seed))

    judge = staticmethod(metrics.judge)
    smaller = staticmethod(metrics.smaller)


class Files:
    """A model's file, damaged or forged."""

    draw = staticmethod(files.draw)
    judge = staticmethod(files.judge_file)
    smaller = staticmethod(files.smaller)


def kind_of(seed, only=None):
    """Of eight cases two are metrics' (unless one estimator is asked for) and one a file's."""
    kind = seed % 8
    return Metrics if kind in (3, 7) and only is None else Files if kind == 5 else Estimators


def shrink(trial, case, rule, most=300):
    """The least case found within `most` trials that still breaks the rule."""
    tried = 0
    while True:
        for candidate in trial.smaller(case):
            if tried == most:
                return case
            tried += 1
            if breaks(trial, candidate, rule):
                case = candidate
                break
        else:
            return case


def breaks(trial, case, rule):
    try:
        return any(found == rule for found, _ in trial.judge(case))
    except Exception:  # what a shrinking step makes need not be a case at all
        return False
