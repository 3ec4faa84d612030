"""Try the wheel of a folder in empty environments of every Python that is found: alone, then with the tests.

python tests/wheel.py dist

Alone means without Numba too: tests/without_compiler.py must fit, save and load every estimator. With the extra `test`
the whole suite must pass.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
VERSIONS = ("3.11", "3.12", "3.13", "3.14")


def main(folder):
    wheels = list(Path(folder).glob("fastml_learn-*.whl"))
    if len(wheels) != 1:
        sys.exit(f"{folder} must hold one wheel of fastml, and holds {len(wheels)}")
    pythons = [python for version in VERSIONS if (python := find(version))]
    for python in pythons:
        try_alone(python, wheels[0].resolve())
        try_tests(python, wheels[0].resolve())
    print(f"{wheels[0].name} passed on {', '.join(pythons)}")


def find(version):
    """The interpreter of a version, if there is one that starts."""
    for name in (f"python{version}", sys.executable):
        path = shutil.which(name)
        if path and version in subprocess.run([path, "-V"], capture_output=True, text=True).stdout:
            return path
    return None


def try_alone(python, wheel):
    """Every estimator, where nothing is installed but what the wheel asks for, and not even Numba."""
    with tempfile.TemporaryDirectory() as empty:
        binaries = environment(python, empty, str(wheel))
        numba = [binaries / "python", "-m", "pip", "uninstall", "--quiet", "--yes", "numba", "llvmlite"]
        subprocess.run(numba, cwd=empty, check=True)
        variables = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "FASTML_LEVEL")}
        command = [binaries / "python", "-P", ROOT / "tests" / "without_compiler.py"]
        subprocess.run(command, cwd=empty, env=variables, check=True)


def try_tests(python, wheel):
    with tempfile.TemporaryDirectory() as empty:
        binaries = environment(python, empty, f"{wheel}[test]")
        command = [binaries / "pytest", "-q", ROOT / "tests", "-c", ROOT / "pyproject.toml"]
        variables = os.environ | {"NUMBA_CACHE_DIR": str(Path(empty, "cache"))}
        subprocess.run(command, cwd=empty, env=variables, check=True)


def environment(python, folder, what):
    """The folder of the programs of a new environment into which `what` was installed."""
    subprocess.run([python, "-m", "venv", "env"], cwd=folder, check=True)
    binaries = Path(folder, "env", "Scripts" if sys.platform == "win32" else "bin")
    subprocess.run([binaries / "python", "-m", "pip", "install", "--quiet", what], cwd=folder, check=True)
    return binaries


if __name__ == "__main__":
    main(*sys.argv[1:])
