"""Words to the user: characters that any terminal can show, progress, tables, durations."""

import codecs
import shutil
import sys
import time

__all__ = ["InputError", "Progress", "duration", "readable_anywhere", "table"]

PLAIN = {"±": "+/-", "×": "x", "²": "2", "µ": "u", "…": "..."}


class InputError(Exception):
    """What the user gave cannot be used: one sentence that names it and the cure. Exit code 2, no traceback."""


def readable_anywhere(stream):
    """Let `stream` write what its encoding cannot hold as plain characters: many a Windows code page has no "±"."""
    codecs.register_error("fastml.plain", in_plain_characters)
    if hasattr(stream, "reconfigure"):
        stream.reconfigure(errors="fastml.plain")


def in_plain_characters(error):
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(PLAIN.get(c, "?") for c in error.object[error.start : error.end]), error.end


class Progress:
    """What is being done now: on a terminal one line that is overwritten, elsewhere one plain line for each stage."""

    INTERVAL = 0.1  # s between two updates of the line: more would flicker

    def __init__(self, stream=None):
        self.stream = sys.stderr if stream is None else stream
        self.live = hasattr(self.stream, "isatty") and self.stream.isatty()
        self._stage, self._shown, self._last = None, 0, 0.0

    def __call__(self, stage, detail=""):
        if self.stream is None:  # a program without a console
            return
        now = time.monotonic()
        if self.live:
            if stage != self._stage or now - self._last > self.INTERVAL:
                self._overwrite(f"{stage} {detail}".rstrip())
                self._last = now
        elif stage != self._stage:
            print(stage, file=self.stream, flush=True)
        self._stage = stage

    def clear(self):
        """Leave the line empty for what comes next."""
        if self.live and self._shown:
            self._overwrite("")

    def _overwrite(self, text):
        text = text[: shutil.get_terminal_size().columns - 1]  # a line that wraps cannot be overwritten
        print(f"\r{text.ljust(self._shown)}\r{text}", end="", file=self.stream, flush=True)
        self._shown = len(text)


def table(headings, rows, left=1):
    """Lines of a table: a column is as wide as its widest cell, the first `left` columns stand to the left.

    headings: one or more rows of headings, over a rule
    """
    widths = [max(map(len, column)) for column in zip(*headings, *rows, strict=True)]

    def line(cells):
        placed = [c.ljust(w) if i < left else c.rjust(w) for i, (c, w) in enumerate(zip(cells, widths, strict=True))]
        return "  ".join(placed).rstrip()

    rule = "  ".join("-" * width for width in widths)
    return [*map(line, headings), rule, *map(line, rows)]


def duration(seconds):
    """Three digits and the unit that suits them."""
    unit, factor = ("s", 1) if seconds >= 0.9995 else ("ms", 1e3) if seconds >= 0.9995e-3 else ("µs", 1e6)
    value = seconds * factor
    digits = 2 if value < 9.995 else 1 if value < 99.95 else 0
    return f"{value:.{digits}f} {unit}"
