"""The command as a user runs it: in a process of its own."""

import contextlib
import io
import os
import subprocess
import sys

import pytest

from fastml.cli import main


class Outcome:
    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err

    @property
    def words(self):
        """The output with every white space as one blank: lines may have been wrapped anywhere."""
        return " ".join(self.out.split())

    @property
    def complaint(self):
        """The one line on the error stream of a command that refused its input."""
        assert self.code == 2, self.out + self.err
        lines = [line for line in self.err.splitlines() if line.startswith("fastml ")]
        assert len(lines) == 1
        assert "Traceback" not in self.err
        return lines[0]


def without_report(arguments):
    """No page in the folder where the tests run, unless a test asks for one."""
    races = arguments[:1] in (("demo",), ("compare",)) and "--report" not in arguments
    return [*map(str, arguments), *(["--no-report"] if races else [])]


@pytest.fixture(scope="session")
def fastml():
    def run(*arguments, **environment):
        """`python -m fastml` with these arguments; -P: the installed package, not the folder the tests run in."""
        process = subprocess.run(
            [sys.executable, "-P", "-m", "fastml", *without_report(arguments)],
            capture_output=True,
            encoding="utf-8",
            env={**os.environ, "PYTHONIOENCODING": "utf-8", **environment},
            timeout=300,
        )
        return Outcome(process.returncode, process.stdout, process.stderr)

    return run


@pytest.fixture(scope="session")
def here():
    def run(*arguments):
        """The same in this process: a start costs a second or two, where scikit-learn is needed."""
        with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as err:
            code = main(without_report(arguments))
        return Outcome(code, out.getvalue(), err.getvalue())

    return run


@pytest.fixture
def csv_file(tmp_path):
    def write(text, name="table.csv", encoding="utf-8"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
        return path

    return write
