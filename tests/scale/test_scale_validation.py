"""Cross-validation in parts: the folds of scikit-learn's on the same rows, whatever the files."""

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import PredefinedSplit
from sklearn.model_selection import cross_val_score as in_memory

import fastml.scale
from fastml.linear_model import LogisticRegression, Ridge
from fastml.naive_bayes import GaussianNB
from fastml.neighbors import KNeighborsClassifier
from fastml.pipeline import make_pipeline
from fastml.preprocessing import StandardScaler
from fastml.scale.sides import folds_of

N = 2**14 + 500


def table():
    random = np.random.default_rng(7)
    X = random.normal(size=(N, 3))
    y = np.sort((X[:, 0] + random.logistic(size=N) > 0).astype(int))  # rows in order of their classes
    X[:, 1] += y
    return X, y


@pytest.mark.parametrize(
    "model", [GaussianNB(), LogisticRegression(), Ridge(), make_pipeline(StandardScaler(), GaussianNB())], ids=str
)
def test_folds_are_those_of_a_split_in_memory(model):
    X, y = table()
    split = PredefinedSplit(folds_of(0, N, 3, 5))
    found = fastml.scale.cross_val_score(
        model, fastml.scale.chunks([(X[:9], y[:9]), (X[9:], y[9:])]), cv=3, random_state=5
    )
    assert np.allclose(found, in_memory(model, X, y, cv=split), rtol=1e-12)


def test_files_and_several_scores(tmp_path):
    X, y = table()
    frame = pd.DataFrame(X, columns=list("abc")).assign(y=y)
    for number, (a, b) in enumerate([(0, 3), (3, 9000), (9000, N)]):
        frame[a:b].to_parquet(tmp_path / f"{number}.parquet", row_group_size=2500)
    names = ["accuracy", "roc_auc"]
    found = fastml.scale.cross_val_score(GaussianNB(), fastml.scale.parquet(tmp_path, "y"), cv=2, scoring=names)
    expected = fastml.scale.cross_val_score(GaussianNB(), fastml.scale.arrays(X, y), cv=2, scoring=names)
    assert all(np.array_equal(found[name], expected[name]) for name in names)
    (_, _), (_, fold) = fastml.scale.folds(fastml.scale.parquet(tmp_path, "y"), fastml.scale.RandomFolds(2))
    inside = folds_of(0, N, 2, 0) == 1
    rows, labels = fold.rows(4000, 4100)
    assert np.array_equal(rows, X[inside][4000:4100])
    assert np.array_equal(labels, y[inside][4000:4100])


def test_a_bad_value_is_told_by_its_place_in_the_table():
    X, y = table()
    X[9000, 1] = np.inf
    other = 1 - int(folds_of(9000, 9001, 2, 0)[0])
    train, _ = list(fastml.scale.folds(fastml.scale.arrays(X, y, memory=2**10), fastml.scale.RandomFolds(2)))[other]
    with pytest.raises(ValueError, match="column 1 is inf in row 9000 of X, and GaussianNB"):
        GaussianNB().fit(train)


def test_what_cannot_be_is_told():
    X, y = table()
    with pytest.raises(ValueError, match="can be read once"):
        fastml.scale.cross_val_score(GaussianNB(), fastml.scale.chunks(iter([(X, y)])))
    with pytest.raises(ValueError, match="cv=1 must be from 2"):
        fastml.scale.cross_val_score(GaussianNB(), fastml.scale.arrays(X, y), cv=1)
    with pytest.raises(TypeError, match="KNeighborsClassifier needs its table in memory"):
        fastml.scale.cross_val_score(KNeighborsClassifier(), fastml.scale.arrays(X, y))
