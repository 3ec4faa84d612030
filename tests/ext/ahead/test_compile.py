"""What must not be compiled ahead is refused, and what is, is right: in processes, because Numba is changed there."""

import subprocess
import sys

import pytest

pytest.importorskip("numba")

START = """
import numpy as np, numba
from fastml_ext.ahead import back, codes, front, compile
front.keep_as_ir()
class Own(Exception): pass
level = compile.host_level()
def made(code):
    def decorate(function):
        lowered = front.lower(numba.njit(nogil=True, error_model="numpy")(function), codes.types_of(code))
        return lowered, back.emit(lowered, level, "symbol")
    return decorate
"""


def run(code):
    return subprocess.run([sys.executable, "-c", START + code], capture_output=True, text=True)


def test_arrays_that_are_only_read_are_found():
    code = """
@made("Ad1CwAd1CwAd1CwAd1Cw")
def kernel(x, y, unused, out):
    for i in range(len(x)):
        out[i] = x[i] + y[0]
    y = out
    y[0] = 1.0
assert kernel[1].read_only == (True, True, True, False), kernel[1].read_only
@made("Ad2CwAd2CwAd2Cw")
def product(a, b, out):
    np.dot(a, b, out)
assert product[1].read_only == (True, True, False), product[1].read_only
"""
    assert (done := run(code)).returncode == 0, done.stderr


def test_what_is_returned_has_a_code():
    code = """
@made("l")
def pair(n):
    return np.empty((n, n), np.float32), n, 0.5
assert pair[0].result == "(Af2Cwld)", pair[0].result
@made("Ad1Cw")
def nothing(x):
    x[0] = 1
assert nothing[0].result == "n"
"""
    assert (done := run(code)).returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("raise Own", "kernels compiled ahead can raise built-in classes only"),
        ("x[:] = x[1:]", "write a loop"),
        ("print(x[0])", "which nothing defines"),
        ("return [x[0]]", "which has no code"),
    ],
)
def test_what_needs_the_interpreter_is_refused(body, message):
    code = f"@made('Ad1Cw')\ndef kernel(x):\n    if x[0] > 0:\n        {body}\n"
    done = run(code)
    assert done.returncode != 0
    assert message in done.stderr
