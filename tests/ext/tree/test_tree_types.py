"""What the kernels and Python must agree on: the codes of kinds, and the fields of records."""

import numpy as np
import pytest
from fastml_ext.tree.enums import LARGEST, Criterion, Kind, Mode
from fastml_ext.tree.growing.nodes import RECORD

from fastml_ext.tree import structure
from fastml_ext.tree.applying import predict
from fastml_ext.tree.growing import grow, large
from fastml_ext.tree.growing.settings import CRITERIA
from fastml_ext.tree.reference import criteria as reference

LAYOUTS = {"NarrowTree": predict.NARROW, "WideTree": predict.WIDE, "WholeTree": predict.WHOLE}


def test_kinds_have_one_code_each():
    for name in ("LEAF", "NUMERIC", "MULTIWAY", "SUBSET"):
        assert getattr(structure, name) == Kind[name]
        assert type(getattr(structure, name)) is int  # with which NumPy compares quickest
    for name in ("NUMERIC", "MULTIWAY", "SUBSET"):  # the reference imports NumPy alone
        assert getattr(reference, name) == Kind[name]
    for enum in (Kind, Mode, Criterion):
        assert sorted(enum) == list(range(len(enum)))
    assert set(CRITERIA.values()) == set(Criterion)
    assert grow.SUBTREE_ROWS[1] == LARGEST == 2**16


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_packed_tree_has_the_layout_of_its_kernel(name):
    missing_left = np.zeros(3, np.uint8)
    for layout in LAYOUTS.values():
        if layout == LAYOUTS[name]:
            getattr(predict, name)(np.zeros(3, layout), missing_left)
        else:
            with pytest.raises(ValueError, match="mismatch"):
                getattr(predict, name)(np.zeros(3, layout), missing_left)


def test_a_kernel_takes_no_tree_packed_for_another_dtype():
    narrow = predict.NarrowTree(np.zeros(1, predict.NARROW), np.zeros(1, np.uint8))
    for tree in (narrow, None):
        with pytest.raises(TypeError):
            predict.stop_float64(np.zeros((1, 1)), tree)
    with pytest.raises(TypeError):
        predict.walk_sparse(
            0, 1, np.zeros(1), np.zeros(1, np.int32), np.array([0, 1], np.int32), 1, narrow, np.zeros(1, np.int64),
            np.zeros(1, np.int64),
        )  # fmt: skip


def test_records_are_packed():
    for record in (RECORD, large.SPLIT):
        assert record.itemsize == sum(record[name].itemsize for name in record.names)
