"""Which of fastml's classes the tests that find estimators by themselves leave to tests of their own."""

import inspect

__all__ = ["reads_labels_alone"]


def reads_labels_alone(cls):
    """Whether its `fit` takes labels and no rows, as LabelEncoder's does: tests/preprocessing/test_labels.py."""
    return "fit" in dir(cls) and [*inspect.signature(cls.fit).parameters][1:2] == ["y"]
