"""What `algorithm="auto"` takes, and says it took."""

import numpy as np
import pytest
import scipy.sparse
from datasets import digits

from fastml.neighbors import KNeighborsClassifier, NearestNeighbors
from fastml.neighbors.choice import effective_dimension

RANDOM = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("X", "parameters", "expected"),
    [
        (RANDOM.normal(size=(3000, 2)), {}, "kd_tree"),
        (RANDOM.normal(size=(50_000, 16)), {}, "brute"),
        (RANDOM.normal(size=(50_000, 3)) @ RANDOM.normal(size=(3, 16)), {}, "kd_tree"),
        (RANDOM.normal(size=(3000, 200)), {}, "brute"),
        (RANDOM.normal(size=(3000, 2)), {"n_neighbors": 2000}, "brute"),
        (RANDOM.normal(size=(3000, 2)), {"metric": "cosine"}, "brute"),
        (RANDOM.normal(size=(3000, 2)), {"p": 0.5}, "brute"),
        (RANDOM.normal(size=(3000, 2)), {"algorithm": "ball_tree"}, "kd_tree"),
        (RANDOM.normal(size=(3000, 2)), {"algorithm": "ball_tree", "metric": "haversine"}, "brute"),
        (RANDOM.normal(size=(3000, 2)), {"algorithm": "brute"}, "brute"),
        (RANDOM.normal(size=(3000, 200)), {"algorithm": "kd_tree"}, "kd_tree"),
        (scipy.sparse.csr_array(RANDOM.normal(size=(30, 2))), {}, "brute"),
        (np.full((100, 3), 1e300), {}, "kd_tree"),
        (RANDOM.normal(size=(1, 1)), {"n_neighbors": 1}, "kd_tree"),
    ],
)
@pytest.mark.filterwarnings("ignore:Mind that for 0 < p < 1")
def test_what_serves(X, parameters, expected):
    assert NearestNeighbors(**parameters).fit(X).algorithm_ == expected


def test_effective_dimension():
    assert effective_dimension(RANDOM.normal(size=(2000, 5))) == pytest.approx(5, abs=0.3)
    assert effective_dimension(np.outer(RANDOM.normal(size=500), np.ones(5))) == pytest.approx(1)
    assert effective_dimension(np.ones((9, 4), np.uint8)) == 1


def test_the_same_choice_on_another_machine(monkeypatch):
    monkeypatch.setattr("fastml_ext.pool.cpu_limit", lambda: 64)
    assert KNeighborsClassifier().fit(*digits()).algorithm_ == "brute"
