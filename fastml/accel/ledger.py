"""What ran where while programs were accelerated: calls, seconds, and why scikit-learn served.

Seconds are a call's own: what it calls that is noted too, such as the models of a search, has its own line.
"""

import threading
import time
from collections import Counter, defaultdict

__all__ = ["clear", "note", "report", "timed"]

HERE, THERE = "fastml", "scikit-learn"
_spent: dict = defaultdict(lambda: [0, 0.0])  # (what was called, what served it): calls, seconds
_why: dict = defaultdict(Counter)  # what was called: reasons for which scikit-learn served
_lock = threading.Lock()
_open = threading.local()  # .inner: of each call that is going on in this thread, the seconds of calls within it


def note(what, server, seconds, why=""):
    """One call of `what`, such as "KNeighborsClassifier.fit", that took `seconds` of `server`."""
    with _lock:
        spent = _spent[what, server]
        spent[0] += 1
        spent[1] += seconds
        if why:
            _why[what][why] += 1


class timed:  # noqa: N801 - used as a function is
    """Notes the block when it ends well."""

    def __init__(self, what, server, why=""):
        self.noted = what, server, why

    def __enter__(self):
        self.inner = _open.__dict__.setdefault("inner", [])
        self.inner.append(0.0)
        self.start = time.perf_counter()

    def __exit__(self, kind, error, where):
        seconds = time.perf_counter() - self.start
        within = self.inner.pop()
        if self.inner:
            self.inner[-1] += seconds
        if kind is None:
            what, server, why = self.noted
            note(what, server, seconds - within, why)


def clear():
    """Forget all calls."""
    _spent.clear()
    _why.clear()


class Report:
    """Calls and seconds of each method by fastml and by scikit-learn; the reasons of the latter. Prints as a table."""

    def __init__(self, spent, why):
        self.calls = {key: tuple(value) for key, value in spent.items()}
        self.reasons = {what: dict(reasons) for what, reasons in why.items()}

    def seconds(self, server):
        return sum(seconds for (_, other), (_, seconds) in self.calls.items() if other == server)

    def __str__(self):
        names = sorted(
            {what for what, _ in self.calls}, key=lambda what: -max(self._of(what, w)[1] for w in (HERE, THERE))
        )
        if not names:
            return "fastml.accel: nothing of scikit-learn was called that fastml has"
        width = max(map(len, names))
        lines = [
            f"{'':{width}}  {'fastml':>16}  {'scikit-learn':>16}",
            f"{'':{width}}  {'calls  seconds':>16}  {'calls  seconds':>16}",
        ]
        for what in [*names]:
            parts = [self._of(what, server) for server in (HERE, THERE)]
            cells = [f"{calls:>7} {seconds:>8.3f}" if calls else "" for calls, seconds in parts]
            lines.append(f"{what:{width}}  {cells[0]:>16}  {cells[1]:>16}")
            lines += [f"    {count} x {why}" for why, count in self.reasons.get(what, {}).items()]
        lines.append(f"{'all':{width}}  {self.seconds(HERE):>16.3f}  {self.seconds(THERE):>16.3f}")
        return "\n".join(lines)

    __repr__ = __str__

    def _of(self, what, server):
        return self.calls.get((what, server), (0, 0.0))


def report():
    """What has run where since the start, or since `clear()`: prints as a table, with the reasons."""
    return Report(_spent, _why)
