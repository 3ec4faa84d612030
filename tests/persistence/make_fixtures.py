"""Write the model files that later versions must be able to read: one for each estimator. Run once for each version.

    python tests/persistence/make_fixtures.py

Files that are there stay as they are: they stand for what users have on their disks.
"""

from pathlib import Path

import numpy as np

import fastml
from fastml.cli.models import CLASSIFICATION, MODELS, load

FOLDER = Path(__file__).parent / "fixtures"
METHODS = ("predict", "predict_proba", "decision_function")


def main():
    random = np.random.default_rng(0)
    X = random.integers(0, 9, (30, 3)).astype(float)
    labels = np.array(["no", "yes"])[(X[:, 0] + X[:, 1] > 8).astype(int)]
    for row in MODELS:
        model = load(row)[0](**row.settings)
        path = FOLDER / f"{type(model).__name__}-{fastml.__version__}.fml"
        if path.exists():
            continue
        model.fit(X, labels if row.task == CLASSIFICATION else X @ [1.0, -2.0, 0.5])
        answers = {method: getattr(model, method)(X[:9]) for method in METHODS if hasattr(model, method)}
        fastml.save(model, path, about={"X": X[:9], "answers": answers})
        print(path.name, path.stat().st_size)


if __name__ == "__main__":
    main()
