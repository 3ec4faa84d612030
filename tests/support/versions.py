"""Which scikit-learn the tests run beside: where its own answers changed, fastml follows the newest."""

import pytest
import sklearn

__all__ = ["NEWEST", "as_of_newest", "version"]

NEWEST = (1, 9)
version = tuple(int(part) for part in sklearn.__version__.split(".")[:2])

as_of_newest = pytest.mark.skipif(
    version < NEWEST, reason=f"scikit-learn {sklearn.__version__} answers otherwise, or signs otherwise, than 1.9"
)
