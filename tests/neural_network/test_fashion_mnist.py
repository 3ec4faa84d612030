"""What a network must reach on real images."""

import numpy as np
import pytest
from datasets import fashion_mnist

from fastml.neural_network import MLPClassifier


@pytest.mark.parametrize(
    ("layers", "epochs", "least"), [((100,), 8, 0.87), ((256, 128), 8, 0.885)], ids=["100", "256-128"]
)
def test_accuracy(layers, epochs, least):
    (X, y), (X_test, y_test) = fashion_mnist(), fashion_mnist("t10k")
    X, X_test = np.float32(X) / 255, np.float32(X_test) / 255
    model = MLPClassifier(layers, learning_rate="cosine", max_iter=epochs, random_state=0, n_iter_no_change=50)
    with pytest.warns(match="Maximum iterations"):
        model.fit(X, y)
    assert model.score(X_test, y_test) >= least
