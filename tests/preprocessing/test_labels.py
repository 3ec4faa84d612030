"""LabelEncoder and LabelBinarizer against scikit-learn's."""

import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
import sklearn.preprocessing as theirs
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

import fastml
import fastml.preprocessing as ours

CODES = np.random.default_rng(0).integers(0, 5, 300)
LABELS = {
    "texts": np.array(["b", "a", "", "ccc", "ä"])[CODES],
    "objects": np.array(["b", "a", "", "ccc", "ä"], object)[CODES],
    "missing": np.array(["b", None, "", "ccc", np.nan], object)[CODES],
    "whole": CODES - 2,
    "far": CODES * 10**15,
    "narrow": CODES.astype(np.uint8),
    "two": CODES > 2,
    "one": CODES * 0,
    "floats": CODES.astype(float),
    "halves": CODES / 2,
    "nan": np.where(CODES > 3, np.nan, CODES),
    "series": pd.Series(np.array(["b", "a", "c"])[CODES % 3]),
    "categories": pd.Series(np.array(["b", "a", "c"])[CODES % 3]).astype("category"),
    "polars": pl.Series(np.array(["b", "a", "c"])[CODES % 3]),
    "list": np.array(["b", "a", "c"])[CODES % 3].tolist(),
    "column": CODES[:, None],
    "several": np.c_[CODES > 2, CODES % 2],
    "sparse": sp.csr_matrix(np.c_[CODES > 2, CODES % 2].astype(int)),
}


def outcome(call):
    try:
        return call(), None
    except (ValueError, TypeError) as error:
        return None, (type(error), str(error))


def same(found, expected):
    (found, why), (expected, reason) = found, expected
    assert why == reason
    if reason is None:
        assert type(found) is type(expected)
        assert found.dtype == expected.dtype
        found, expected = (part.toarray() if sp.issparse(part) else part for part in (found, expected))
        assert repr(found.tolist()) == repr(expected.tolist())


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", LABELS)
@pytest.mark.parametrize("name", ["LabelEncoder", "LabelBinarizer"])
@pytest.mark.parametrize("n", [3, 300])
def test_everything_is_scikit_learns(name, kind, n):
    y = LABELS[kind][:n]
    for options in [{}] if name == "LabelEncoder" else [{}, {"neg_label": -2, "pos_label": 3}, {"sparse_output": True}]:
        one, other = (getattr(module, name)(**options) for module in (ours, theirs))
        same(
            outcome(lambda one=one, y=y: one.fit_transform(y)), outcome(lambda other=other, y=y: other.fit_transform(y))
        )
        same(outcome(lambda one=one, y=y: one.fit(y).classes_), outcome(lambda other=other, y=y: other.fit(y).classes_))
        if not hasattr(other, "classes_"):
            continue
        for later in (LABELS[kind], LABELS["whole"], np.repeat(LABELS["texts"][:1], 100), np.empty(0, int)):
            found = outcome(lambda one=one, later=later: one.transform(later))
            same(found, outcome(lambda other=other, later=later: other.transform(later)))
            if found[0] is not None:
                same(
                    outcome(lambda one=one, found=found: one.inverse_transform(found[0])),
                    outcome(lambda other=other, found=found: other.inverse_transform(found[0])),
                )
        with pytest.raises(NotFittedError):
            clone(one).transform(y)


@pytest.mark.parametrize("name", ["LabelEncoder", "LabelBinarizer"])
@pytest.mark.parametrize("kind", ["texts", "objects", "whole"])
def test_files(name, kind, tmp_path):
    y = LABELS[kind]
    model = getattr(ours, name)().fit(y)
    fastml.save(model, tmp_path / "m.fml")
    for again in (fastml.load(tmp_path / "m.fml"), pickle.loads(pickle.dumps(model)), fastml.to_sklearn(model)):
        assert np.array_equal(again.transform(y), model.transform(y))
        assert np.array_equal(again.inverse_transform(model.transform(y)), y)
    own = fastml.from_sklearn(getattr(theirs, name)().fit(y))
    assert type(own) is type(model)
    assert np.array_equal(own.transform(y), model.transform(y))


def test_places_that_are_none_are_refused_and_a_fit_that_fails_changes_nothing():
    model = ours.LabelEncoder().fit(LABELS["texts"])
    for places in (np.array([0, 5]), np.array([-1]), [7]):
        with pytest.raises(ValueError, match="previously unseen labels"):
            model.inverse_transform(places)
    with pytest.raises(ValueError, match="1d"):
        model.fit(LABELS["several"])
    assert model.classes_.tolist() == ["", "a", "b", "ccc", "ä"]
    with pytest.raises(ValueError, match="previously unseen labels"):
        model.transform(np.repeat(["new"], 100))


SETS = [
    [["a", "b"], [], ["b", "b", "c"]],
    [{1, 2}, {3}, set()],
    [(1.5, 2), (2,)],
    [frozenset([(1, 2)]), {(0, 1), (1, 2)}],
    [["b", "a"]] * 50,
    ["ab", "ba", "c"],
    [np.array([1, 2]), np.array([7])],
    [[]],
    [],
    [[True], [False, True]],
]


@pytest.mark.filterwarnings("ignore:unknown class")
@pytest.mark.parametrize("y", SETS, ids=range(len(SETS)))
@pytest.mark.parametrize("options", [{}, {"sparse_output": True}, {"classes": ["b", "a", 2]}])
def test_sets_of_labels_are_scikit_learns(y, options):
    one, other = (module.MultiLabelBinarizer(**options) for module in (ours, theirs))
    for given in (lambda: y, lambda: (list(row) for row in y)):
        for learn in (lambda m, y: m.fit_transform(y), lambda m, y: m.fit(y).transform(y)):
            found, expected = learn(one, list(given())), learn(other, list(given()))
            dense = [each.toarray() if sp.issparse(each) else each for each in (found, expected)]
            assert type(found) is type(expected)
            assert found.dtype == expected.dtype
            assert np.array_equal(*dense)
            assert one.classes_.tolist() == other.classes_.tolist()
            assert one.classes_.dtype == other.classes_.dtype


def test_unknown_sets_files_and_twins_of_label_sets(tmp_path):
    y = [["a", "b"], ["c"], []]
    model = ours.MultiLabelBinarizer().fit(y)
    with pytest.warns(UserWarning, match=r"unknown class\(es\) \['d', 'e'\] will be ignored"):
        assert model.transform([["e", "a", "d"]]).tolist() == [[1, 0, 0]]
    fastml.save(model, tmp_path / "m.fml")
    again = fastml.load(tmp_path / "m.fml"), pickle.loads(pickle.dumps(model)), fastml.to_sklearn(model)
    for each in (*again, fastml.from_sklearn(theirs.MultiLabelBinarizer().fit(y))):
        assert np.array_equal(each.transform(y), model.transform(y))
        assert each.inverse_transform(model.transform(y)) == [("a", "b"), ("c",), ()]
    with pytest.raises(ValueError, match="duplicate classes"):
        ours.MultiLabelBinarizer(classes=[1, 1]).fit(y)
    with pytest.raises(NotFittedError):
        ours.MultiLabelBinarizer().transform(y)
