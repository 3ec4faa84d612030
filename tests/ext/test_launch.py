"""The launcher of kernels that were compiled ahead of time. Its codes decide what memory a kernel is given.

Here the compiled variants of a kernel are Python functions that are called with their slots.
"""

import contextlib
import ctypes
import gc
import itertools
import os
import pickle
import re
import sys
import threading
import tracemalloc
import weakref
from collections import namedtuple
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastml_ext import _launch
from fastml_ext.neighbors.scan import Scan

WORDS = ctypes.POINTER(ctypes.c_uint64)


class Reason(ctypes.Structure):
    _fields_ = [
        ("pickle", ctypes.c_char_p),
        ("size", ctypes.c_int32),
        ("hash", ctypes.c_char_p),
        ("unwrap", ctypes.c_void_p),
        ("dynamic", ctypes.c_int32),
    ]


ENTRY = ctypes.CFUNCTYPE(ctypes.c_int32, WORDS, WORDS, ctypes.POINTER(ctypes.POINTER(Reason)))
RELEASE = ctypes.CFUNCTYPE(None, ctypes.c_void_p)


class Variant(ctypes.Structure):
    _fields_ = [("kernel", ctypes.c_char_p), ("code", ctypes.c_char_p), ("ret", ctypes.c_char_p), ("entry", ENTRY)]


class Table(ctypes.Structure):
    _fields_ = [("variants", ctypes.POINTER(Variant)), ("count", ctypes.c_int32), ("release", RELEASE)]


class Kernels:
    """A table of (kernel, code, ret, function(slots, ret) -> status or None or Reason)."""

    kept = []  # what launchers and the arrays they returned point to

    def __init__(self, *rows):
        self.kept.append(self)
        rows = sorted(rows, key=lambda row: row[0].encode())
        self.entries = [ENTRY(entry(function)) for *_, function in rows]
        texts = ([text.encode() for text in row[:3]] for row in rows)
        self.rows = (Variant * (len(rows) + 1))(*[Variant(*t, e) for t, e in zip(texts, self.entries, strict=True)])
        self.released = []
        self.table = Table(self.rows, len(rows), RELEASE(self.released.append))
        new = ctypes.pythonapi.PyCapsule_New
        new.restype, new.argtypes = ctypes.py_object, [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
        self.capsule = new(ctypes.addressof(self.table), b"fastml_ext.kernels", None)

    def __getitem__(self, name):
        launcher = Launcher()
        launcher._bind(self.capsule, name)
        launcher.table = self
        return launcher


class Launcher(_launch.Launcher):
    def _fall_back(self, *args, **options):
        return "fell back"


def entry(function):
    def called(slots, ret, reason):
        status = function(slots, ret)
        if isinstance(status, Reason):
            reason[0] = ctypes.pointer(status)
            return 1
        return status or 0

    return called


def one(code, ret="n", function=lambda slots, ret: None):
    """A launcher of one variant."""
    return Kernels(("k", code, ret, function))["k"]


def slots_of(code, *args):
    """What a variant of this code gets for these arguments; None where it does not serve them."""
    got = []
    size = 400
    result = one(code, function=lambda slots, ret: got.extend(slots[:size]))(*args)
    return None if result == "fell back" else got


# ------------------------------------------------------------------------------------------ codes and Numba's types


DTYPES = "? b B h H i I l L q Q p f d g e F D S3 U2 M8[s] m8[ns] O V4".split()  # noqa: SIM905
arrays_of = st.sampled_from(
    [np.dtype(d) for d in DTYPES] + [np.dtype([("x", "f8")]), np.dtype("f8", metadata={"a": 1})]
)


@st.composite
def arrays(draw):
    dtype = draw(arrays_of)
    if draw(st.booleans()):
        dtype = dtype.newbyteorder(draw(st.sampled_from("<>")))
    shape = draw(st.lists(st.integers(0, 3), max_size=4))
    array = np.zeros(shape, dtype, order=draw(st.sampled_from("CF")))
    for kind in draw(
        st.lists(st.sampled_from(["step", "turn", "flip", "wide", "locked", "odd", "map", "ma", "matrix"]), max_size=3)
    ):
        array = changed(array, kind)
    return array


def changed(array, kind):
    if kind == "step" and array.ndim:
        return array[..., ::2]
    if kind == "turn":
        return array.T
    if kind == "flip" and array.ndim:
        return array[::-1]
    if kind == "wide":
        return np.broadcast_to(array, (2, *array.shape))
    if kind == "locked":
        array = array.view()
        array.flags.writeable = False
    if kind == "odd" and array.dtype.itemsize > 1 and not array.dtype.hasobject:
        room = np.zeros(array.size * array.itemsize + 1, np.uint8)
        return room[1:].view(array.dtype).reshape(array.shape) if array.size else array
    if kind == "map":
        return array.view(np.memmap)
    if kind == "ma":
        return np.ma.MaskedArray(array) if array.dtype.kind in "biuf" else array
    if kind == "matrix" and array.ndim == 2:
        return array.view(np.matrix)
    return array


class Foreign(NamedTuple):
    x: object


class Heir(int):
    pass


numbers = st.one_of(
    st.booleans(),
    st.integers(-(2**65), 2**65),
    st.sampled_from([2**63 - 1, 2**63, -(2**63), -(2**63) - 1, 2**31, -1]),
    st.floats(),
    st.complex_numbers(),
    st.sampled_from([t(1) for t in {np.dtype(c).type for c in "?bBhHiIlLqQefdgFD"}]),
    st.sampled_from([np.longlong(3), np.ulonglong(3), np.intc(3), np.str_("x"), np.datetime64(1, "s"), Heir(3)]),
)
values = st.recursive(
    st.one_of(numbers, st.none(), st.text(max_size=2), arrays()),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4).map(tuple),
        st.lists(inner, min_size=9, max_size=9).map(lambda v: Scan(*v)),
        inner.map(Foreign),
        st.lists(inner, max_size=2),
    ),
    max_leaves=12,
)


def code_of_type(numba_type):
    """How a type of Numba's is spelt; None where the launcher does not serve it. Written from the grammar."""
    from numba.core import types

    numbers = {"bool": "?", "float32": "f", "float64": "d", "none": "n"}
    numbers |= {f"int{8 * size}": letter for size, letter in ((1, "b"), (2, "h"), (4, "i"), (8, "l"))}
    numbers |= {f"uint{8 * size}": letter for size, letter in ((1, "B"), (2, "H"), (4, "I"), (8, "L"))}
    if isinstance(numba_type, types.Array):
        letter = numbers.get(str(numba_type.dtype))
        known = letter not in (None, "n") and numba_type.aligned
        return f"A{letter}{numba_type.ndim}{numba_type.layout}{'w' if numba_type.mutable else 'r'}" if known else None
    if isinstance(numba_type, types.BaseTuple):
        inner = [code_of_type(t) for t in numba_type.types]
        made = getattr(numba_type, "instance_class", tuple)
        if None in inner or (made is not tuple and not made.__module__.startswith("fastml_ext.")):
            return None
        name = "" if made is tuple else f"N{made.__module__.removeprefix('fastml_ext.')}.{made.__qualname__}"
        return f"{name}{{{''.join(inner)}}}" if name else f"({''.join(inner)})"
    return numbers.get(str(types.unliteral(numba_type)))


def expected_code(args):
    """What Numba makes of the arguments, as a code; None where it refuses one, or the launcher serves no such type."""
    from numba import typeof
    from numba.core.errors import NumbaError

    from fastml_ext.ahead import codes as ahead

    codes = []
    for value in args:
        try:
            numba_type = typeof(value)
        except (NumbaError, ValueError):
            codes.append(None)
            continue
        codes.append(code_of_type(numba_type))
        if codes[-1] is None or getattr(numba_type, "ndim", 0) <= 9:
            assert ahead.code_of(numba_type) == codes[-1]  # what variants are compiled for
    return None if None in codes else "".join(codes)


def is_plain(value):
    """Whether the launcher should serve a value that has a code; the others it leaves to Numba on purpose."""
    if isinstance(value, np.ndarray):
        return type(value) in (np.ndarray, np.memmap) and value.flags.aligned
    if isinstance(value, tuple):
        return all(is_plain(v) for v in value)
    return not isinstance(value, int) or (type(value) in (int, bool) and -(2**63) < value < 2**63)


@given(st.lists(values, max_size=4))
def test_a_code_is_what_numba_says_or_none(args):
    pytest.importorskip("numba")
    code, expected = _launch.code_of(*args), expected_code(args)
    if code is not None or all(is_plain(v) for v in args):
        assert code == expected


@given(st.lists(values, max_size=3), st.lists(values, max_size=3))
def test_a_variant_serves_its_own_code_only(args, others):
    code = _launch.code_of(*args)
    if code is None:
        return
    launcher = one(code)
    assert launcher(*args) is None
    if may_serve(code, _launch.code_of(*others)):
        assert launcher(*others) is None
    else:
        assert launcher(*others) == "fell back"


def may_serve(code, other):
    """Whether a variant of this code may take a call of the other: equal but for writing, and layout where it is A."""
    if other is None or len(code) != len(other):
        return False
    parts = [re.split(r"(A[^ACFN(){}]\d[CFA][rw])", c) for c in (code, other)]
    if len(parts[0]) != len(parts[1]):
        return False
    return all(
        a == b if not i % 2 else a[:3] == b[:3] and a[3] in ("A", b[3]) and a[4] in ("r", b[4])
        for i, (a, b) in enumerate(zip(*parts, strict=True))
    )


@given(st.lists(st.one_of(numbers, arrays(), st.tuples(numbers, arrays())), max_size=4))
def test_slots_hold_the_values(args):
    code = _launch.code_of(*args)
    if code is None:
        return
    got, at = slots_of(code, *args), 0
    for value in itertools.chain.from_iterable(a if isinstance(a, tuple) else (a,) for a in args):
        if isinstance(value, np.ndarray):
            size, ndim = got[at], value.ndim
            assert size == value.size
            assert got[at + 1] == value.__array_interface__["data"][0]
            assert tuple(got[at + 2 : at + 2 + ndim]) == value.shape
            assert [s - 2**64 * (s >> 63) for s in got[at + 2 + ndim : at + 2 + 2 * ndim]] == list(value.strides)
            at += 2 + 2 * ndim
        else:
            plain = np.asarray(value)
            slot = np.array([got[at]], np.uint64).view(plain.dtype)[0]
            assert slot == plain or plain != plain
            at += 1


def test_what_has_no_code_falls_back():
    class Twin(NamedTuple):
        x: object

    Twin.__module__, Twin.__qualname__ = Scan.__module__, "Scan"  # spelt as Scan is, and another class
    scan = Scan(np.zeros((1, 1)), np.zeros((1, 1)), np.zeros(0, np.int64), 0, 2.0, np.zeros(0), 0, 0.0, 0.0)
    launcher = one(_launch.code_of(scan))
    assert launcher(scan) is None
    assert launcher(namedtuple("Scan", Scan._fields)(*scan)) == "fell back"
    assert launcher(tuple(scan)) == "fell back"
    assert one("Nneighbors.scan.Scan{d}")(Twin(1.0)) == "fell back"
    assert launcher(scan, 1) == launcher() == launcher(task=scan) == launcher(scan, x=1) == "fell back"
    deep, long = 1, (1,) * 600
    for _ in range(600):
        deep = (deep,)
    assert _launch.code_of(deep) is _launch.code_of(long) is _launch.code_of(np.zeros((1,) * 10)) is None
    assert len(_launch.code_of(*[np.zeros((1,) * 9)] * 24)) == 24 * 5  # the most slots there are
    assert _launch.code_of(*[np.zeros((1,) * 9)] * 26) is None


def test_the_most_special_variant_serves():
    served = []

    def variant(name):
        return lambda slots, ret: served.append(name)

    table = Kernels(
        ("k", "Ad2AwAd2Aw", "n", variant("any")),
        ("k", "Ad2CwAd2Aw", "n", variant("first")),
        ("k", "Ad2CwAd2Cr", "n", variant("read")),
        ("j", "Ad2CwAd2Cw", "n", variant("other kernel")),
        ("k2", "Ad2CwAd2Cw", "n", variant("other kernel")),
    )
    kernel = table["k"]
    C, F = np.zeros((2, 3)), np.zeros((2, 3), order="F")
    locked = C.view()
    locked.flags.writeable = False
    for args in ((C, C), (C, locked), (C, F), (F, C), (C[:, ::2], F)):
        kernel(*args)
    assert served == ["read", "read", "first", "any", "any"]
    assert kernel(locked, C) == kernel(C, C.astype("f4")) == kernel(C, C[0]) == table["absent"](C, C) == "fell back"


@pytest.mark.parametrize(
    ("code", "ret"),
    [
        ("x", "n"),
        ("Ad", "n"),
        ("Ad2Cx", "n"),
        ("Ax2Cw", "n"),
        ("(d", "n"),
        ("d)", "n"),
        ("(d}", "n"),
        ("N{d}", "n"),
        ("Nneighbors.scan.Scan", "n"),
        ("Nneighbors.absent.Scan{d}", "n"),
        ("Nneighbors.scan.Absent{d}", "n"),
        ("d" * 2000, "n"),
        ("Nneighbors.scan.FEW{d}", "n"),
        ("d", "x"),
        ("d", "Ad2"),
        ("d", "(Ad2Cw"),
        ("d", "Nneighbors.scan.Scan{d}"),
        ("d", "d" * 200),
    ],
)
def test_codes_that_are_not_understood_are_told(code, ret):
    launcher = one(code, ret)
    with pytest.raises((SystemError, ImportError, AttributeError)):
        launcher(1.0)
    with pytest.raises((SystemError, ImportError, AttributeError)):
        launcher._prepare()


def test_fall_back_gets_everything():
    launcher = one("d")
    launcher._fallback = lambda *args, **options: (args, options)
    assert launcher("x", y=2) == (("x",), {"y": 2})
    assert launcher(1.0) is None
    assert launcher._prepare() == 1
    with pytest.raises(ValueError, match="already"):
        launcher._bind(launcher.table.capsule, "k")
    with pytest.raises(ValueError, match="PyCapsule"):
        Launcher()._bind(None, "k")


def words(*values):
    return np.concatenate(
        [np.array([v]).view(np.uint64) if not isinstance(v, int) else np.array([v % 2**64], np.uint64) for v in values]
    )


def giving(*values):
    def function(slots, ret):
        for i, word in enumerate(words(*values)):
            ret[i] = int(word)

    return function


def test_results():
    results = {
        "n": (None, 0),
        "?": (True, 0xFF01),
        "b": (-1, 0xFF),
        "B": (255, 0xFFF),
        "h": (-2, 0xFFFE),
        "H": (0xFFFE, 0x1FFFE),
        "i": (-3, 0xFFFFFFFD),
        "I": (0xFFFFFFFD, 0xFFFFFFFD),
        "l": (-4, -4),
        "L": (2**64 - 4, -4),
        "d": (0.1, 0.1),
    }
    for ret, (value, word) in results.items():
        got = one("", ret, giving(word))()
        assert (type(got), got) == (type(value), value)
    assert one("", "f", giving(int(np.array([0.5, 9], "f4").view("u8")[0])))() == 0.5
    assert one("", "(l(d)n())", giving(5, 0.25, 0))() == (5, (0.25,), None, ())


def returned(array, owner=7):
    """The words of an array that a kernel returns."""
    shape, strides = array.shape, array.strides
    return owner, 0, array.size, array.itemsize, array.__array_interface__["data"][0], *shape, *strides


def test_returned_arrays_own_their_memory():
    memory = np.arange(6.0).reshape(2, 3)
    kernels = Kernels(("k", "", "(Ad2Cwl)", giving(*returned(memory), 3)))
    array, three = kernels["k"]()
    assert three == 3
    assert np.array_equal(array, memory)
    assert array.flags.carray
    assert not array.flags.owndata
    row = array[1]
    del array
    gc.collect()
    assert kernels.released == []
    assert row.tolist() == [3, 4, 5]
    del row
    gc.collect()
    assert kernels.released == [7]


@pytest.mark.parametrize("letter", "?bBhHiIlLfd")
def test_returned_arrays_of_each_type_and_order(letter):
    for array in (
        np.ones((2, 3), letter),
        np.ones((3, 2), letter).T,
        np.ones((4, 6), letter)[::2, ::2],
        np.ones((0, 2), letter),
        np.ones((), letter),
    ):
        kernels = Kernels(("k", "", f"A{letter}{array.ndim}Aw", giving(*returned(array))))
        got = kernels["k"]()
        assert got.dtype == array.dtype
        assert np.array_equal(got, array)
        assert got.strides == array.strides
        assert got.flags.f_contiguous == array.flags.f_contiguous


def test_memory_that_nobody_owns_is_told_and_the_rest_released():
    memory = np.zeros(2)
    kernels = Kernels(("k", "", "(Ad1CwAd1Cw)", giving(*returned(memory, 0), *returned(memory, 9))))
    with pytest.raises(SystemError, match="nobody owns"):
        kernels["k"]()
    assert kernels.released == [9]


@pytest.mark.parametrize(
    ("error", "kind", "text"),
    [
        ((ValueError, ("wrong",)), ValueError, "wrong"),
        ((ZeroDivisionError, None), ZeroDivisionError, "^$"),
        ((IndexError, ("at", 3)), IndexError, r"\('at', 3\)"),
        ((MemoryError, ("Allocation failed",)), MemoryError, "failed"),
    ],
)
def test_errors_keep_their_class(error, kind, text):
    pickled = pickle.dumps((*error, ("function", "file.py", 3)))
    reason = Reason(pickled, len(pickled), None, None, 0)
    with pytest.raises(kind, match=text) as told:
        one("d", "n", lambda slots, ret: reason)(1.0)
    assert type(told.value) is kind


def test_errors_that_cannot_be_read():
    broken, made_later = Reason(b"no pickle", 9, None, None, 0), Reason(b"", 0, None, None, 1)
    with pytest.raises(pickle.UnpicklingError):
        one("d", "n", lambda slots, ret: broken)(1.0)
    with pytest.raises(SystemError, match="reason"):
        one("d", "n", lambda slots, ret: made_later)(1.0)
    for status in (1, -1, -7):
        with pytest.raises(SystemError):
            one("d", "n", lambda slots, ret, status=status: status)(1.0)
    assert one("d", "n", lambda slots, ret: -2)(1.0) is None  # Numba's status of a kernel that returns None


# ------------------------------------------------------------------------------ references, memory, threads, forks


def test_nothing_leaks():
    memory, x = np.zeros(4), np.ones((3, 4))
    scan = Scan(x, x, np.zeros(0, np.int64), 0, 2.0, np.zeros(0), 0, 0.0, 0.0)
    good = Kernels(("k", _launch.code_of(scan, x), "(Ad1Cwl)", giving(*returned(memory), 3)))
    pickled = pickle.dumps((ValueError, ("wrong",), None))
    reason = Reason(pickled, len(pickled), None, None, 0)
    bad = one("d", "n", lambda slots, ret: reason)
    kernel, marker = good["k"], object()

    def once():
        kernel(scan, x)
        kernel(scan, marker)
        _launch.code_of(scan, x)
        with contextlib.suppress(ValueError):  # pytest.raises keeps some of what it has seen
            bad(1.0)

    held = (x, scan, marker, memory, Scan)

    def counts():
        gc.collect()
        good.released.clear()
        return [sys.getrefcount(o) for o in held]

    tracemalloc.start()
    try:
        used = []
        for _ in range(8):  # caches fill in the first ones
            for _ in range(300):
                once()
            held_now = counts()
            used.append((tracemalloc.get_traced_memory()[0], held_now))
    finally:
        tracemalloc.stop()
    assert used[-1][1] == used[-2][1]
    assert used[-1][0] - used[-2][0] < 300 * 16  # less than an object a call


def test_launchers_are_collected():
    launcher = one("d")
    launcher._fallback = launcher  # a cycle
    launcher._prepare()
    gone = weakref.ref(launcher)
    del launcher
    gc.collect()
    assert gone() is None


def test_the_lock_is_released_and_threads_meet_inside():
    meeting = threading.Barrier(4)
    kernel = one("lAd1Cw", "l", lambda slots, ret: (meeting.wait(30), ret.__setitem__(0, slots[0]))[0] * 0)
    results = {}

    def work(k):
        results[k] = [kernel(k + i, np.zeros(k)) for i in range(50)]

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == {k: [k + i for i in range(50)] for k in range(4)}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_forks():
    kernel = one("l", "l", lambda slots, ret: ret.__setitem__(0, slots[0] + 1))
    assert kernel(1) == 2
    child = os.fork()
    if child == 0:
        os._exit(0 if kernel(2) == 3 else 1)
    assert os.waitpid(child, 0)[1] == 0
