"""The command as a user runs it: in a process of its own."""

import os
import subprocess
import sys

import pytest


class Outcome:
    def __init__(self, process):
        self.code, self.out, self.err = process.returncode, process.stdout, process.stderr

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


@pytest.fixture(scope="session")
def fastml():
    def run(*arguments, **environment):
        """`python -m fastml` with these arguments."""
        process = subprocess.run(
            [sys.executable, "-m", "fastml", *map(str, arguments)],
            capture_output=True,
            encoding="utf-8",
            env={**os.environ, "PYTHONIOENCODING": "utf-8", **environment},
            timeout=300,
        )
        return Outcome(process)

    return run


@pytest.fixture
def csv_file(tmp_path):
    def write(text, name="table.csv", encoding="utf-8"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
        return path

    return write
