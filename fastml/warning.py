"""Warnings that point at the user's line, however deep in fastml they are given."""

import sys
import warnings
from types import FrameType

__all__ = ["warn", "warn_of_future"]

BETWEEN = ("fastml", "sklearn", "joblib")  # who stands between a user's call and an estimator's fit


def warn(message: str, category: type[Warning] = UserWarning, package: str | tuple[str, ...] = "fastml") -> None:
    """Warn of the line that called into `package`, or into any of several."""
    within = f"{package}." if isinstance(package, str) else tuple(f"{name}." for name in package)
    frame: FrameType | None = sys._getframe(1)
    level = 2
    while frame is not None and f"{frame.f_globals.get('__name__', '')}.".startswith(within):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)


def warn_of_future(message: str) -> None:
    """Warn that a setting will go, where scikit-learn does: of the user's line, though a search made the fit."""
    warn(message, FutureWarning, BETWEEN)
