"""How far a long call has come, and how long it will still take: what `verbose=1` shows."""

import contextlib
import sys
import time

__all__ = ["line_writer", "progress_bar"]

PATIENCE = 0.5  # s: what is over sooner shows nothing
INTERVAL = 0.1  # s between two updates on a terminal
INTERVAL_IN_A_FILE = 10.0  # s, where lines stay
WIDTH = 24


@contextlib.contextmanager
def progress_bar(what, total, verbose=True, stream=None):
    """A function to call with the number of `total` items begun; None if not `verbose`. Writes to standard error.

    On a terminal one line is overwritten; elsewhere, in a log, a line is added every ten seconds, and one at the end.
    Where nothing can be written, as in a program without a console, nothing is.

    >>> with progress_bar("searching", 3, verbose=False) as show:
    ...     print(show)
    None
    """
    stream = sys.stderr if stream is None else stream
    if not verbose or stream is None:
        yield None
        return
    bar = Bar(what, total, stream)
    try:
        yield bar.show
    finally:
        bar.close()


def line_writer(verbose):
    """Prints a line to standard output, for an epoch each, where no terminal can show a bar; None where one can."""
    if (
        not verbose
        or sys.stdout is None
        or (hasattr(sys.stderr, "isatty") and not sys.stderr.closed and sys.stderr.isatty())
    ):
        return None

    def tell(line):
        with contextlib.suppress(OSError, ValueError):  # as for a bar: a closed stream ends no training
            print(line, flush=True)

    return tell


class Bar:
    """One line: what is done, a bar, the share, the time gone and the time left at the speed so far."""

    def __init__(self, what, total, stream):
        self.what, self.total, self.stream = what, max(total, 1), stream
        self.live = hasattr(stream, "isatty") and not getattr(stream, "closed", False) and stream.isatty()
        self.begun = time.monotonic()
        self.due = self.begun + PATIENCE
        self.shown = 0
        self.done: int | None = None

    def show(self, done):
        self.done = done
        now = time.monotonic()
        if now >= self.due:
            self.due = now + (INTERVAL if self.live else INTERVAL_IN_A_FILE)
            self._show(done / self.total, now - self.begun)

    def close(self):
        if self.live and self.shown:
            self._write("\r" + " " * self.shown + "\r")
        elif not self.live and self.done is not None:
            self._write(
                f"{self.what} ended at {self.done:.0f} of {self.total}, {clock(time.monotonic() - self.begun)}\n"
            )

    def _show(self, share, seconds):
        filled = "#" * round(share * WIDTH)
        left = f", {clock(seconds * (1 - share) / share)} left" if share > 0 else ""
        line = f"{self.what} [{filled:<{WIDTH}}] {share:4.0%} {clock(seconds)}{left}"
        self._write(f"\r{line:<{self.shown}}" if self.live else line + "\n")
        self.shown = len(line)

    def _write(self, text):
        with contextlib.suppress(OSError, ValueError):  # a closed stream, a full disk: no reason to end the work
            self.stream.write(text)
            self.stream.flush()


def clock(seconds):
    minutes, seconds = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{seconds:02d}" if minutes >= 60 else f"{minutes}:{seconds:02d}"
