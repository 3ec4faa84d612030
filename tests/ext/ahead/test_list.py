"""The list of kernels compiled ahead: what stands there can be found and compiled, and follows the list's own rules."""

import numpy as np
import pytest

from fastml_ext.ahead import compile as ahead
from fastml_ext.ahead import record
from fastml_ext.neighbors import kd_tree

numba = pytest.importorskip("numba")

from fastml_ext.ahead import codes  # noqa: E402  needs Numba
from fastml_ext.linear.codes import State  # noqa: E402

VARIANTS = ahead.read_list()


def test_every_kernel_of_the_list_is_found_by_its_name():
    from fastml_ext import jit

    for name in {variant.kernel for variant in VARIANTS}:
        kernel = ahead.find(name)
        assert jit.name_of(kernel.py_func) == name, f"{name} is gone or renamed: record the list again"


def test_codes_say_what_types_are_and_back():
    for variant in VARIANTS:
        assert "".join(map(codes.code_of, codes.types_of(variant.code))) == variant.code


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (1, "l"),
        (True, "?"),
        (0.5, "d"),
        (None, "n"),
        (np.float32(1), "f"),
        (np.uint8(1), "B"),
        (np.zeros((2, 3), np.float32), "Af2Cw"),
        (np.zeros((3, 2)).T, "Ad2Fw"),
        (np.zeros(6, np.int16)[::2], "Ah1Aw"),
        (np.broadcast_to(np.zeros(2), (2,)), "Ad1Cr"),
        ((1, np.zeros(1, bool)), "(lA?1Cw)"),
        (State(*[np.zeros((1, 1))] * 5, *[np.zeros(1)] * 7), "Nlinear.codes.State{" + "Ad2Cw" * 5 + "Ad1Cw" * 7 + "}"),
        (np.zeros(2, complex), None),
    ],
)
def test_code_of_a_value(value, code):
    assert codes.code_of(numba.typeof(value)) == code


def test_the_list_is_sorted_and_holds_nothing_twice_and_every_code_as_it_should_stand():
    assert VARIANTS == sorted(set(VARIANTS))
    assert all(variant.code == record.normal(*variant) for variant in VARIANTS)


def test_the_list_holds_all_that_follows_from_it():
    listed = set(map(tuple, VARIANTS))
    assert record.complete(listed) == listed


def test_every_kernel_of_a_tree_is_in_the_list():
    """No number of columns or neighbours, no metric and no size of leaves waits for a compiler."""
    listed = {variant.kernel for variant in VARIANTS}
    metrics = [("euclidean", 2), ("manhattan", 2), ("chebyshev", 2), ("minkowski", 3)]
    for metric, p in metrics:
        for d in (1, 2, 3, 5, 8, 9, 40):
            for w in (None,) if metric == "chebyshev" else (None, np.ones(d)):
                for leaf_size in (1, 16, 30, 40, 1000):
                    tree = kd_tree.build_tree(np.zeros((3, d)), leaf_size, metric, p, w)
                    columns, code, size = kd_tree.variant(tree)
                    rest = f"LEAF={size},METRIC={code}]"
                    assert f"neighbors.kd_tree.search.within_kernel.within[D={columns},{rest}" in listed
                    for k in (1, 2, 9, 100):
                        lanes = kd_tree.lanes(code, k)
                        assert (
                            f"neighbors.kd_tree.search.nearest_kernel.nearest[D={columns},LANES={lanes},{rest}"
                            in listed
                        )


def test_levels_are_those_of_this_machine():
    assert ahead.levels_of("none") == ()
    assert set(ahead.levels_of("host")) <= set(ahead.levels_of("all"))
    with pytest.raises(ValueError, match="FASTML_AOT='v9'"):
        ahead.levels_of("v9")


@pytest.fixture
def digests(tmp_path, monkeypatch):
    """digests(): of a kernel of each module of a small package; `written(path, text)` changes a module of it."""
    monkeypatch.setattr(ahead, "ROOT", tmp_path)

    def written(path, text):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text)
        for function in (ahead.imported, ahead.imports_of, ahead.digest_of):
            function.cache_clear()
        names = ["one.a.kernel", "two.b.kernel", "two.c.kernel"]
        return [ahead.digest(ahead.Variant(name, "Nthree.d.Record{d}")) for name in names]

    yield written
    for function in (ahead.imported, ahead.imports_of, ahead.digest_of):
        function.cache_clear()


def test_a_change_of_a_source_changes_the_kernels_that_import_it_or_take_its_records(digests, tmp_path):
    for folder in ("one", "two", "three", "device"):
        (tmp_path / folder).mkdir()
    for path in ("jit.py", "pool.py", "two/b.py", "two/c.py", "three/d.py", "device/e.py", "two/__init__.py"):
        (tmp_path / path).write_text("")
    (tmp_path / "one/a.py").write_text(
        "from fastml_ext import jit, pool\nfrom fastml_ext.two import (\n    x,\n    b,\n)\n"
    )
    before = digests("two/c.py", "from fastml_ext.device.e import f\n")
    for path, whose in {
        "one/a.py": [0],
        "two/b.py": [0, 1],
        "device/e.py": [2],
        "three/d.py": [0, 1, 2],
        "jit.py": [0],
        "pool.py": [],
        "one/cases.py": [],
    }.items():
        text = (tmp_path / path).read_text() if (tmp_path / path).exists() else ""
        after = digests(path, text + "\n# changed\n")
        assert [i for i in range(3) if before[i] != after[i]] == whose, path
        before = after
