"""Warnings that point at the caller's line."""

import sys
import warnings
from types import FrameType

__all__ = ["warn", "warn_undefined"]


def warn(message, category=UserWarning):
    """Warn of the line that called into this package, however deep the call stands."""
    frame: FrameType | None = sys._getframe(1)
    level = 2
    while frame is not None and frame.f_globals.get("__name__", "").startswith("fastml.metrics"):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)


def warn_undefined(message):
    """`warn` with scikit-learn's UndefinedMetricWarning."""
    from sklearn.exceptions import UndefinedMetricWarning

    warn(message, UndefinedMetricWarning)
