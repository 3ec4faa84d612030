"""Programs under python -m fastml.accel, each in a process of its own."""

import os
import subprocess
import sys
import textwrap

import pytest

import fastml

ROOT = os.path.dirname(fastml.__path__[0])
START = """
import pickle, sys
import numpy as np
rng = np.random.default_rng(0)
X = rng.normal(size=(60, 4)); y = np.where(X[:, 0] + X[:, 1] > 0, "up", "down"); t = X @ np.arange(4.0)
"""


def run(code, *options, env=(), check=True, cwd=None):
    """What a program prints, under python -m fastml.accel unless options say otherwise."""
    options = options or ("-m", "fastml.accel", "-m", "program")
    file = os.path.join(cwd, "program.py")
    with open(file, "w", encoding="utf-8") as program:
        program.write(START + textwrap.dedent(code))
    environment = {**os.environ, "PYTHONPATH": ROOT, "PYTHONWARNINGS": "ignore", **dict(env)}
    environment.pop("PYTHONSAFEPATH", None)
    done = subprocess.run([sys.executable, *options], capture_output=True, text=True, cwd=cwd, env=environment)
    assert not check or done.returncode == 0, done.stderr
    return done.stdout if check else done


@pytest.fixture
def program(tmp_path):
    return lambda code, *options, **more: run(code, *options, cwd=tmp_path, **more)
