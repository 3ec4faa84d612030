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
