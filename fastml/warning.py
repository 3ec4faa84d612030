"""Warnings that point at the user's line, however deep in fastml they are given."""

import sys
import warnings
from types import FrameType

__all__ = ["warn"]


def warn(message: str, category: type[Warning] = UserWarning, package: str = "fastml") -> None:
    """Warn of the line that called into `package`."""
    frame: FrameType | None = sys._getframe(1)
    level = 2
    while frame is not None and f"{frame.f_globals.get('__name__', '')}.".startswith(f"{package}."):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)
