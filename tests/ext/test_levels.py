"""Which kernels a process uses: the best that the processor has and the installation holds, or those asked for."""

import os
import subprocess
import sys

import pytest

import fastml_ext
from fastml_ext import _launch, jit, levels


@pytest.fixture
def machine(monkeypatch):
    """machine(highest, *built): a processor of that level of x86-64 (0: another), and the levels that were built."""

    def made(highest, *built):
        monkeypatch.setattr(_launch, "level", lambda: highest)
        monkeypatch.setattr(levels, "built", lambda level: f"kernels of {level}" if level in built else None)
        monkeypatch.delenv("FASTML_LEVEL", raising=False)

    return made


@pytest.mark.parametrize(
    ("highest", "built", "expected"),
    [
        (4, ("v2", "v3", "v4"), "v4"),
        (3, ("v2", "v3", "v4"), "v3"),
        (2, ("v2", "v3", "v4"), "v2"),
        (4, ("v3",), "v3"),
        (1, ("v2", "v3", "v4"), "jit"),
        (4, (), "jit"),
        (0, ("native",), "native"),
        (0, (), "jit"),
    ],
)
def test_the_best_that_is_there(machine, highest, built, expected):
    machine(highest, *built)
    assert levels.choose() == (expected, f"kernels of {expected}" if expected != "jit" else None)


def test_the_one_asked_for(machine, monkeypatch):
    machine(4, "v2", "v3")
    for level in ("v2", "v3"):
        monkeypatch.setenv("FASTML_LEVEL", level)
        assert levels.choose() == (level, f"kernels of {level}")
    monkeypatch.setenv("FASTML_LEVEL", "jit")
    assert levels.choose() == ("jit", None)


@pytest.mark.parametrize(
    ("highest", "built", "asked", "message"),
    [
        (
            3,
            ("v3", "v4"),
            "v4",
            "FASTML_LEVEL='v4' is not for this processor .*: set .* to one of v3, v2, jit",
        ),
        (4, ("v3",), "v4", "FASTML_LEVEL='v4', but no kernels were compiled for it"),
        (4, ("v3",), "V3", "FASTML_LEVEL='V3' is no level: set FASTML_LEVEL to one of v4, v3, v2, jit"),
        (4, ("v3",), "native", "FASTML_LEVEL='native' is not for this"),
        (0, ("native",), "v2", "set FASTML_LEVEL to one of native, jit"),
        (1, ("v2",), "v2", "set FASTML_LEVEL to one of jit"),
    ],
)
def test_what_cannot_be_had_is_told(machine, monkeypatch, highest, built, asked, message):
    machine(highest, *built)
    monkeypatch.setenv("FASTML_LEVEL", asked)
    with pytest.raises(ValueError, match=message):
        levels.choose()


def test_registers_hold_what_the_level_says(machine):
    machine(4)
    assert [levels.lanes(level) for level in ("v2", "v3", "v4", "native", "jit")] == [4, 8, 16, 4, 16]
    machine(1)
    assert levels.lanes("jit") == 4
    machine(0)
    assert levels.lanes("jit") == 4


def test_the_level_is_the_processors():
    """As NumPy finds it, which asks the processor by itself."""
    features = pytest.importorskip("numpy._core._multiarray_umath").__cpu_features__
    expected = max((k for k in (2, 3, 4) if features.get(f"X86_V{k}")), default=None)
    if expected is None:
        pytest.skip("this NumPy does not say")
    assert _launch.level() == expected


def test_kernels_that_were_not_built_and_those_that_do_not_load(monkeypatch, tmp_path):
    assert levels.built("v9") is None
    (tmp_path / "_kernels_v9.py").write_text("import fastml_ext.absent")
    monkeypatch.setattr(fastml_ext, "__path__", [*fastml_ext.__path__, str(tmp_path)])
    with pytest.raises(ImportError, match="absent"):
        levels.built("v9")


def test_a_wrong_level_stops_the_first_import():
    environment = {**os.environ, "FASTML_LEVEL": "v7", "PYTHONPATH": os.pathsep.join(sys.path)}
    code = "import fastml_ext.jit"
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert done.returncode != 0
    assert "FASTML_LEVEL='v7' is no level" in done.stderr


def test_names():
    from fastml_ext.neighbors import order
    from fastml_ext.neighbors.kd_tree import search

    name = "neighbors.kd_tree.search.nearest_kernel.nearest[D=2,LANES=8,LEAF=16,METRIC=0]"
    assert search.nearest_kernel(2, 0, 16, 8).name == name
    assert any(k.name == f"neighbors.order.{k.__name__}" for k in vars(order).values() if isinstance(k, jit.Kernel))
    assert jit.name_of(test_names) is None
    assert jit.name_of(len) is None

    def closure(value):
        exec("def inner(): return value", scope := {"value": value})
        inner = lambda: value  # noqa: E731
        inner.__module__, inner.__qualname__ = "fastml_ext.a.b", "f.<locals>.g"
        generated = scope["inner"]
        generated.__module__ = "fastml_ext.a.b"
        assert jit.name_of(generated) is None
        return inner

    assert jit.name_of(closure(3)) == "a.b.f.g[value=3]"
    assert jit.name_of(closure(True)) == "a.b.f.g[value=1]"
    assert jit.name_of(closure(3.0)) is None
    assert jit.name_of(closure("x")) is None


def test_calls_that_numba_served_are_noted():
    code = (
        "import numpy as np\nfrom fastml_ext import jit\njit.RECORDING = True\nfrom fastml_ext.neighbors import votes\n"
        "i, z = np.zeros(2, np.int64), np.zeros(0)\nfor _ in range(2): votes.elect(0, 0, i, i, z, i, 3, i)\n"
        "print(jit.fallbacks())"
    )
    environment = {**os.environ, "FASTML_LEVEL": "jit", "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert eval(done.stdout) == {("neighbors.votes.elect", "llAl1CwAl1CwAd1CwAl1CwlAl1Cw")}


def test_without_numba_the_cure_is_told():
    code = (
        "import sys\nsys.modules['numba'] = None\nfrom fastml_ext.neighbors import votes\n"
        "try: votes.elect('no', 'such', 'call')\nexcept ImportError as error: print(error)"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == (
        'the kernel elect must be compiled by Numba, which is not installed: pip install "fastml-learn[jit]"'
    )
