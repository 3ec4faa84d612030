"""`fastml verify` and `fastml warmup`: that they find what is wrong, and say what they did."""

import re

import numpy as np
import pytest

import fastml_ext.neighbors
from fastml.cli import verify
from fastml.cli.families import difference, families

FAMILIES = families()


def test_families_are_found():
    assert {"checks", "neighbors"} <= {family.name for family in FAMILIES}


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_every_exported_function_has_inputs(family):
    """A family joins `fastml verify` by its cases.py; fastml_ext/neighbors/cases.py shows how."""
    missing = [name for name in family.functions() if family.case(name) is None]
    assert missing == []
    assert set(family.cases.CLOSE) <= set(family.functions())
    assert set(getattr(family.cases, "WITHIN", {}).values()) <= set(family.functions())
    assert all(0 < relative < 1e-3 for relative in family.cases.CLOSE.values())


FUNCTIONS = [(family, name) for family in FAMILIES for name in family.functions()]


@pytest.mark.parametrize(("family", "name"), FUNCTIONS, ids=[f"{family.name}.{name}" for family, name in FUNCTIONS])
def test_kernels_agree_on_these_inputs(family, name):
    assert [family.differs(name, seed) for seed in range(5)] == [None] * 5


@pytest.mark.parametrize(("family", "name"), FUNCTIONS, ids=[f"{family.name}.{name}" for family, name in FUNCTIONS])
def test_inputs_differ_and_come_again(family, name):
    """Without an input that varies, or with one that is not drawn from the seed, a kernel would be held to nothing."""
    with np.printoptions(threshold=10**6):
        once, again = (
            [repr(family.case(name)(family.reference, np.random.default_rng(s))) for s in range(12)] for _ in "ab"
        )
    assert once == again
    assert len(set(once)) > 1


def test_verify_is_content(fastml):
    outcome = fastml("verify")
    assert outcome.code == 0, outcome.out
    assert re.search(r"neighbors\.vote +equal on 30 inputs", outcome.out)
    assert re.search(r"(\d+) of \1 functions agree with their definitions on this machine", outcome.out)
    assert "verifying neighbors.vote" in outcome.err
    assert outcome.out.isascii()


def test_verify_finds_a_wrong_kernel(monkeypatch, capsys):
    right = fastml_ext.neighbors.vote_shares
    monkeypatch.setattr(fastml_ext.neighbors, "vote_shares", lambda *args: np.nextafter(right(*args), 2))
    assert verify.run(None) == 1
    out = capsys.readouterr().out
    assert re.search(r"neighbors\.vote_shares +DIFFERS", out)
    assert re.search(r"! neighbors\.vote_shares, input 0: the result\[0, 0\] is .*, by the definition", out)


def test_verify_finds_a_kernel_that_fails(monkeypatch, capsys):
    def broken(*_):
        raise ZeroDivisionError("no")

    monkeypatch.setattr(fastml_ext.neighbors, "vote", broken)
    assert verify.run(None) == 1
    assert "the kernel raises ZeroDivisionError: no" in capsys.readouterr().out


def test_verify_names_what_it_did_not_try(monkeypatch, capsys):
    family = next(family for family in FAMILIES if family.name == "neighbors")
    monkeypatch.setattr(verify, "families", lambda: [family._replace(cases=None)])
    assert verify.run(None) == 1
    out = capsys.readouterr().out
    assert re.search(r"neighbors\.vote +NOT TRIED", out)
    assert "declares no inputs for it in cases.py" in out
    assert re.search(r"^0 of \d+ functions agree", out, re.MULTILINE)


def test_ctrl_c_shows_what_was_verified(monkeypatch, capsys):
    def interrupted(family, name):
        if name == "is_table":
            raise KeyboardInterrupt
        return "equal", None

    monkeypatch.setattr(verify, "try_function", interrupted)
    with pytest.raises(KeyboardInterrupt):
        verify.run(None)
    assert "checks.first_nonfinite" in capsys.readouterr().out


NAN = float("nan")


@pytest.mark.parametrize(
    ("found", "expected", "relative", "words"),
    [
        (1, 1, 0, None),
        (1, 2, 0, "the result is np.int64(1), by the definition np.int64(2)"),
        (None, None, 0, None),
        (None, (1, 2), 0, "is None, by the definition"),
        ((1, 2), None, 0, "by the definition None"),
        ((1, 2), (1, 2, 3), 0, "by the definition (1, 2, 3)"),
        (np.array([1.0, NAN]), [1.0, NAN], 0, None),
        (np.array([1.0, NAN]), np.array([1.0, NAN]), 0, None),
        (np.array([1.0, NAN]), np.array([NAN, 1.0]), 0, "the result[0]"),
        (np.array([np.inf]), np.array([-np.inf]), 1e-6, "the result[0]"),
        (np.zeros((2, 1)), np.zeros(2), 0, "the shape (2, 1), by the definition (2,)"),
        (np.array([1 + 1e-9]), np.array([1.0]), 1e-6, None),
        (np.array([1 + 1e-9]), np.array([1.0]), 0, "the result[0]"),
        (np.array([1 + 1e-3]), np.array([1.0]), 1e-6, "the result[0]"),
        (np.array([1e-12, 5.0]), np.array([0.0, 5.0]), 1e-9, None),
        (np.array(["a", "b"]), np.array(["a", "c"]), 0, "the result[1]"),
        ((np.zeros(2), [np.ones(1)]), (np.zeros(2), [np.zeros(1)]), 0, "the result[1][0][0]"),
        (True, False, 0, "the result is"),
    ],
)
def test_difference(found, expected, relative, words):
    said = difference(found, expected, relative)
    assert (said is None) if words is None else words in said


def test_warmup_leaves_nothing_to_compile(fastml):
    first, second = fastml("warmup"), fastml("warmup")
    assert first.code == second.code == 0, first.out + second.out
    assert re.search(r"^0 kernels compiled, \d+ were in the cache", second.out)
    assert "compiling KNeighborsClassifier for float32" in second.err


def test_warmup_says_that_nothing_was_left(monkeypatch, capsys):
    from fastml.cli import warmup

    monkeypatch.setattr(warmup, "warm_models", lambda progress: None)
    monkeypatch.setattr(warmup, "warm_functions", lambda progress: None)
    monkeypatch.setattr(warmup, "kernel_counts", lambda: (0, 0))
    assert warmup.run(None) == 0
    assert "nothing was left to compile" in capsys.readouterr().out


def test_warmup_says_that_no_cache_can_be_written(monkeypatch, capsys):
    from fastml.cli import warmup

    monkeypatch.setattr(warmup, "in_cache", lambda kernel: False)
    monkeypatch.setattr(warmup, "kernel_counts", lambda: (1, 0))
    assert warmup.run(None) == 1
    assert "set NUMBA_CACHE_DIR to one that can" in capsys.readouterr().out
