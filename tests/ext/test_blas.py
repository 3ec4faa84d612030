"""BLAS is really held to one thread, and gets its threads back."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from fastml_ext import blas


@pytest.fixture(autouse=True)
def two_threads():
    """Every library at two threads before, and found so after: a limit is visible on a machine of one core, too."""
    before = blas.threads()
    for library in blas._loaded():
        blas._set(library, 2)
    if 2 not in blas.threads():
        pytest.skip("no BLAS library of this machine can be set to two threads")
    yield
    assert set(blas.threads()) == {2}
    for library, threads in zip(blas._loaded(), before, strict=True):
        blas._set(library, threads)


def test_scipys_blas_is_found():
    assert any("scipy" in library.filepath.lower() for library in blas._loaded()) or len(blas._loaded()) == 1


def test_held_to_one_thread_and_restored():
    with blas.single():
        assert set(blas.threads()) == {1}
        with blas.single():
            assert set(blas.threads()) == {1}
        assert set(blas.threads()) == {1}


def test_few_multiplications_are_left_alone():
    with blas.single_for(blas.SHARED):
        assert set(blas.threads()) == {2}
    with blas.single_for(blas.SHARED + 1):
        assert set(blas.threads()) == {1}


def test_decompositions_are_held_unless_they_are_small_or_long():
    for multiplications, expected in ((blas.SHARED, 2), (blas.SHARED + 1, 1), (blas.LONG - 1, 1), (blas.LONG, 2)):
        with blas.single_unless_long(multiplications):
            assert set(blas.threads()) == {expected}


@pytest.mark.parametrize("shape", [(100, 10), (10, 100), (8000, 1), (90, 90), (1000, 11), (100_000, 1000)])
def test_small_tables_are_left_alone(shape):
    n, d = shape
    small = n * d < blas.SHARED and n * d * min(shape) < blas.SHARED_PRODUCT
    with blas.single_unless_small(shape):
        assert set(blas.threads()) == {2 if small or n * d * min(shape) >= blas.LONG else 1}


def test_restored_after_an_exception():
    with pytest.raises(ZeroDivisionError), blas.single():
        _ = 1 / 0


@pytest.mark.parametrize("order", [("short", "long"), ("long", "short")])
def test_two_fits_at_once(order):
    """The one that ends first must not give the other its threads back, and the last to leave does, in any thread."""
    first_done, both_in = Barrier(2, timeout=30), Barrier(2, timeout=30)

    def short():
        with blas.single():
            both_in.wait()
        first_done.wait()

    def long():
        with blas.single():
            both_in.wait()
            first_done.wait()
            return set(blas.threads())

    with ThreadPoolExecutor(2) as threads:
        fits = {name: threads.submit({"short": short, "long": long}[name]) for name in order}
        assert fits["long"].result(60) == {1}


def test_a_library_that_ignores_the_limit_is_an_error(monkeypatch):
    class Stubborn:
        internal_api = "stubborn"

        def get_num_threads(self):
            return 2

        def set_num_threads(self, threads):
            pass

    monkeypatch.setattr(blas, "_libraries", [Stubborn()])
    with pytest.raises(RuntimeError, match="stubborn"), blas.single():
        pass
    assert blas._depth == 0
