"""Warnings of the metrics, which point at the line that called one, of fastml's too."""

import functools

from fastml import warning

__all__ = ["warn", "warn_undefined"]

warn = functools.partial(warning.warn, package="fastml.metrics")


def warn_undefined(message):
    """`warn` with scikit-learn's UndefinedMetricWarning."""
    from sklearn.exceptions import UndefinedMetricWarning

    warn(message, UndefinedMetricWarning)
