"""How programs are started under python -m fastml.accel: as `python` starts them, to the letter."""

import os
import py_compile
import subprocess
import sys

import pytest

import fastml
from fastml.accel import running

ROOT = os.path.dirname(fastml.__path__[0])
ACCEL = ("-m", "fastml.accel")


def started(*command, given="", cwd=None):
    environment = {**os.environ, "PYTHONPATH": ROOT, "PYTHONWARNINGS": "ignore"}
    environment.pop("PYTHONSAFEPATH", None)
    done = subprocess.run(
        [sys.executable, *command], input=given, capture_output=True, text=True, cwd=cwd, env=environment
    )
    return done.returncode, done.stdout, done.stderr


SEES = """
import sys
print(__name__, __doc__, __package__, __spec__, globals().get("__file__"), sorted(globals()), sys.argv, sys.path[0])
print(sys.modules["__main__"].__dict__ is globals())
def fails():
    raise KeyError("this")
if len(sys.argv) > 1:
    fails()
"""
BROKEN = "import atexit, sys\natexit.register(print, 'at exit')\nsys.exit('told on stderr')\n"


@pytest.mark.parametrize("safe", ["", "-P"])
@pytest.mark.parametrize(
    "command",
    [
        ["sees.py"],
        ["sees.py", "one", "-m", "two"],
        ["folder/sees.py"],
        ["link.py"],
        ["-"],
        ["-", "one"],
        ["-c", SEES],
        ["-c", SEES, "-x", "one"],
        ["-c", BROKEN],
        ["-c", "import sys; sys.exit(3)"],
        ["-c", "raise KeyboardInterrupt"],
        ["-c", "x = ("],
        ["-m", "packed.inner", "--flag"],
        ["-m", "packed"],
        ["-mpacked.inner"],
        ["-m", "nowhere"],
        ["nowhere.py"],
    ],
    ids=str,
)
def test_as_python_starts_it(command, safe, tmp_path):
    (tmp_path / "packed").mkdir()
    (tmp_path / "packed" / "__init__.py").write_text("")
    (tmp_path / "packed" / "other.py").write_text("value = 5\n")
    (tmp_path / "packed" / "inner.py").write_text("import sys\nfrom .other import value\nprint(sys.argv)\n1 / 0\n")
    (tmp_path / "folder").mkdir()
    for file in ("sees.py", "folder/sees.py"):
        (tmp_path / file).write_text(SEES)
    (tmp_path / "link.py").symlink_to(tmp_path / "folder" / "sees.py")
    options = [safe] * bool(safe)
    *wanted, told = started(*options, *command, given=SEES, cwd=tmp_path)
    told = "".join(line for line in told.splitlines(keepends=True) if "<frozen runpy>" not in line)
    assert started(*options, *ACCEL, *command, given=SEES, cwd=tmp_path) == (*wanted, told)


def test_a_hook_of_the_program_gets_its_own_frames():
    code = """
import sys, traceback
def hook(kind, error, where):
    print(kind.__name__, [frame.name for frame in traceback.extract_tb(where)])
sys.excepthook = hook
def f():
    raise ValueError
f()
"""
    assert started(*ACCEL, "-c", code)[:2] == (1, "ValueError ['<module>', 'f']\n")


def test_folders_and_compiled_files(tmp_path):
    (tmp_path / "whole").mkdir()
    (tmp_path / "whole" / "__main__.py").write_text("import beside, sys; print(__name__, beside.value, sys.argv)\n")
    (tmp_path / "whole" / "beside.py").write_text("value = 7\n")
    py_compile.compile(str(tmp_path / "whole" / "__main__.py"), str(tmp_path / "whole" / "short.pyc"))
    for name in ("whole", "whole/short.pyc"):
        code, out, told = started(*ACCEL, name, "one", cwd=tmp_path)
        assert (code, told) == (0, "")
        assert out == f"__main__ 7 ['{name}', 'one']\n"


def test_room_on_the_stack(monkeypatch):
    """Calls get what they need beneath one that asks for much; an error is the caller's, as ever."""
    kept = sys.excepthook
    monkeypatch.setattr(sys, "excepthook", kept)
    assert running.run_roomy(lambda: deep(200)) is None
    with pytest.raises(ZeroDivisionError):
        running.run_roomy(lambda: 1 / 0)
    assert sys.excepthook is not kept


def deep(n):
    return n if n == 0 else deep(n - 1)
