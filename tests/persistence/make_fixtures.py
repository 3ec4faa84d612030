"""Write the model files that later versions must be able to read: one for each estimator. Run once for each version.

    python tests/persistence/make_fixtures.py

Files that are there stay as they are: they stand for what users have on their disks.
"""

from pathlib import Path

import numpy as np

import fastml
from fastml.cli.models import CLASSIFICATION, MODELS, load
from fastml.feature_extraction import CountVectorizer, DictVectorizer
from fastml.preprocessing import (
    FeatureMap,
    FeatureTemplates,
    KBinsDiscretizer,
    Periodic,
    PiecewiseConstant,
    PolynomialFeatures,
    PowerTransformer,
    QuantileTransformer,
    SplineTransformer,
    Thermometer,
)

FOLDER = Path(__file__).parent / "fixtures"
METHODS = ("predict", "predict_proba", "decision_function", "transform")
TRANSFORMERS = [
    PiecewiseConstant(3, outside="bin"),
    Periodic([7, 3, 2.5], 2),
    Thermometer(n_bins=4),
    KBinsDiscretizer(3, encode="ordinal"),
    PolynomialFeatures((1, 3)),
    PowerTransformer(),
    QuantileTransformer(n_quantiles=7),
    SplineTransformer(4),
    FeatureMap(1, "x0*x1", ("bins", PiecewiseConstant(strategy="mdl"), ["x0"])),
]

TEXTS = ["To be or not to be", "abc@gmail.com", "", "Naïve Ünïcode 𝄞 42"]
RECORDS = [{"age": 36, "city": "Oslo"}, {"age": 7.5, "likes": ["chess", "tea"]}, {}]
READERS = [  # of texts and records: model, what it reads
    (CountVectorizer(ngram_range=(1, 2)), TEXTS),
    (DictVectorizer(sparse=False), RECORDS),
    (
        FeatureTemplates(
            ["fields", "age > _", "city.suffix(2) and age > 10", "city.lower.chars(1, 2)", "cell(age, age, 5)"],
            sparse_output=False,
        ),
        RECORDS,
    ),
]


def main():
    random = np.random.default_rng(0)
    X = random.integers(0, 9, (30, 3)).astype(float)
    labels = np.array(["no", "yes"])[(X[:, 0] + X[:, 1] > 8).astype(int)]
    made = [(load(row)[0](**row.settings), row.task) for row in MODELS]
    for model, records in READERS:
        path = FOLDER / f"{type(model).__name__}-{fastml.__version__}.fml"
        if not path.exists():
            fastml.save(model, path, about={"X": records, "answers": {"transform": model.fit_transform(records)}})
    for model, task in [*made, *((transformer, CLASSIFICATION) for transformer in TRANSFORMERS)]:
        path = FOLDER / f"{type(model).__name__}-{fastml.__version__}.fml"
        if path.exists():
            continue
        model.fit(X, labels if task == CLASSIFICATION else X @ [1.0, -2.0, 0.5])
        answers = {method: getattr(model, method)(X[:9]) for method in METHODS if hasattr(model, method)}
        fastml.save(model, path, about={"X": X[:9], "answers": answers})
        print(path.name, path.stat().st_size)


if __name__ == "__main__":
    main()
