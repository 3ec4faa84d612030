"""Programs that one does not start oneself: a line in the environment that looks for FASTML_ACCEL.

`python -m fastml.accel --enable` writes it, into this environment only, and `--disable` takes it away. Where the
variable is not set, the line costs a look into the environment, some microseconds, and imports nothing.
"""

import sysconfig
from pathlib import Path

__all__ = ["at_start", "disable", "enable"]

LINE = (
    'import os; os.environ.get("FASTML_ACCEL", "0") not in ("", "0")'
    ' and __import__("fastml.accel.start", fromlist=["at_start"]).at_start()\n'
)


def line_file():
    return Path(sysconfig.get_path("purelib")) / "fastml_accel.pth"


def enable():
    """Write the line; returns the file."""
    line_file().write_text(LINE, encoding="utf-8")
    return line_file()


def disable():
    """Take it away; returns the file."""
    line_file().unlink(missing_ok=True)
    return line_file()


def at_start():
    """What the line does where FASTML_ACCEL is set: "profile" prints the report at the end, too."""
    import os

    from fastml.accel import install

    install()
    if os.environ["FASTML_ACCEL"] == "profile":
        report_at_exit()


def report_at_exit():
    import atexit
    import sys

    from fastml.accel import report

    atexit.register(lambda: print(report(), file=sys.stderr))
