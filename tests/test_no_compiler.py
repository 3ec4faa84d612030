"""The first call of anything is quick: no estimator needs Numba for its built-in settings."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from fastml_ext import jit, levels

ahead = pytest.mark.skipif(jit.LEVEL == levels.JIT, reason="no kernels were compiled ahead, or FASTML_LEVEL=jit")


def run(*command):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.run([sys.executable, *command], env=environment, capture_output=True, text=True)


@ahead
def test_no_estimator_needs_a_compiler():
    done = run(Path(__file__).with_name("without_compiler.py"), "--small")
    assert done.returncode == 0, done.stdout + done.stderr


@ahead
def test_every_listed_kernel_can_be_read():
    """The launcher understands the codes of all variants that the installation holds."""
    from fastml.cli.info import kernel_modules

    kernels = [kernel for kernel in jit.load_all(kernel_modules()) if kernel.variants]
    assert len(kernels) > 50
    assert [kernel.name for kernel in kernels if kernel._prepare() != kernel.variants] == []


USES = {
    "fastml.autodiff.compile": "ad.compile(lambda x: x * x, 1.0)",
    "a metric": "KNeighborsClassifier(metric=lambda x, y: abs(x - y).sum()).fit([[1.0], [2.0]], [0, 1])",
}


@pytest.mark.parametrize("use", USES)
def test_what_needs_numba_says_how_to_get_it(use):
    code = (
        "import sys\nsys.modules['numba'] = None\nfrom fastml import autodiff as ad\n"
        f"from fastml.neighbors import KNeighborsClassifier\n{USES[use]}"
    )
    done = run("-c", code)
    assert done.returncode != 0
    assert 'pip install "fastml-learn[jit]"' in done.stderr
