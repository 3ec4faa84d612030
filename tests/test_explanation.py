"""Explanations: readable, safe in a page, and whole after a copy."""

import copy
import pickle

import numpy as np
import pytest

from fastml.explanation import Explanation

WHY = Explanation(
    "a<b", "a<b: 1 vote", ("name", "share"), [("<script>", np.float32(1 / 3)), ("plain", 2)], {"votes": 3}
)


def test_text():
    assert str(WHY).splitlines() == ["a<b: 1 vote", "name      share", "<script>  0.3333", "plain     2"]


def test_html_is_escaped():
    assert "<script>" not in WHY._repr_html_()
    assert "&lt;script&gt;" in WHY._repr_html_()


def test_details_are_attributes():
    assert WHY.votes == WHY.to_dict()["votes"] == 3
    with pytest.raises(AttributeError, match="prediction, votes"):
        _ = WHY.vote


def test_copies():
    assert pickle.loads(pickle.dumps(WHY)) == copy.deepcopy(WHY) == WHY


def test_rows_of_frames_keep_their_names():
    pd = pytest.importorskip("pandas")
    from fastml.linear_model import Ridge
    from fastml.neighbors import KNeighborsRegressor

    frame, y = pd.DataFrame({"size": [1.0, 2, 3], "age": [2.0, 0, 1]}), [1.0, 2, 3]
    for model in (Ridge(), KNeighborsRegressor(2)):
        fitted = model.fit(frame, y)
        assert str(fitted.explain(frame.iloc[1])) == str(fitted.explain(frame.iloc[[1]]))
        with pytest.raises(ValueError, match="x has 3 rows, but one sample is explained"):
            fitted.explain(frame)
