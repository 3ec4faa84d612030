"""Install the wheel of a folder into an empty environment of every Python that is found, and run the tests there.

python tests/wheel.py dist
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
    wheels = list(Path(folder).glob("fastml-*.whl"))
    if len(wheels) != 1:
        sys.exit(f"{folder} must hold one wheel of fastml, and holds {len(wheels)}")
    pythons = [python for version in VERSIONS if (python := find(version))]
    for python in pythons:
        try_wheel(python, wheels[0].resolve())
    print(f"{wheels[0].name} passed on {', '.join(pythons)}")


def find(version):
    """The interpreter of a version, if there is one that starts."""
    for name in (f"python{version}", sys.executable):
        path = shutil.which(name)
        if path and version in subprocess.run([path, "-V"], capture_output=True, text=True).stdout:
            return path
    return None


def try_wheel(python, wheel):
    with tempfile.TemporaryDirectory() as empty:
        subprocess.run([python, "-m", "venv", "env"], cwd=empty, check=True)
        binaries = Path(empty, "env", "Scripts" if sys.platform == "win32" else "bin")
        subprocess.run(
            [binaries / "python", "-m", "pip", "install", "--quiet", f"{wheel}[test]"], cwd=empty, check=True
        )
        environment = os.environ | {"NUMBA_CACHE_DIR": str(Path(empty, "cache"))}
        subprocess.run(
            [binaries / "pytest", "-q", ROOT / "tests", "-c", ROOT / "pyproject.toml"],
            cwd=empty,
            env=environment,
            check=True,
        )


if __name__ == "__main__":
    main(*sys.argv[1:])
