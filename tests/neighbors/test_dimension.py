"""What is said of distances and dimensions, on rows whose dimension is known."""

import numpy as np
import pytest

from fastml.neighbors import concentration
from fastml.neighbors.dimension import contrast_of


def test_the_dimension_of_planes_in_many_columns():
    random = np.random.default_rng(0)
    for m in (1, 2, 5):
        X = random.random((1500, m)) @ random.standard_normal((m, 40))
        found = concentration(X, max_samples=1500)
        assert found.by_neighbors == pytest.approx(m, rel=0.25)
        assert 1 - 1e-9 <= found.by_spectrum <= m + 1e-9
    cube = concentration(random.standard_normal((2000, 20)), max_samples=2000)
    assert cube.by_spectrum == pytest.approx(20, rel=0.05)


def test_the_contrast_is_that_of_the_definition():
    Z = np.random.default_rng(1).standard_normal((300, 3))
    apart = np.sqrt(((Z[:, None] - Z) ** 2).sum(axis=-1))
    nearest = np.where(np.eye(300) == 1, np.inf, apart).min(axis=1)
    assert contrast_of(Z) == pytest.approx(np.median((apart.max(axis=1) - nearest) / nearest))


def test_it_falls_with_the_columns_and_advice_is_given():
    found = concentration(np.random.default_rng(2).standard_normal((400, 100)))
    assert found.columns.tolist() == [1, 2, 4, 8, 16, 32, 64, 100]
    assert (np.diff(found.contrast) < 0).all()
    assert "likely to suffer" in found.advice
    assert concentration(np.random.default_rng(2).random((400, 2))).advice == ""


def test_constant_columns_equal_rows_and_refusals():
    X = np.column_stack([np.ones(60), np.repeat(np.arange(30.0), 2)])
    assert concentration(X).columns.tolist() == [1]
    with pytest.raises(ValueError, match="distinct rows, 1, less 1"):
        concentration(np.ones((20, 2)))
    with pytest.raises(ValueError, match="NaN"):
        concentration(np.full((20, 2), np.nan))
