"""The progress bar: silent when quick, one line on a terminal, whole lines in a log."""

import io

import pytest

from fastml import progress
from fastml.progress import clock, progress_bar


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def time_passes(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])

    def passes(seconds):
        now[0] += seconds

    return passes


def test_quick_work_shows_nothing(time_passes):
    stream = Terminal()
    with progress_bar("searching", 10, stream=stream) as show:
        time_passes(0.4)
        show(9)
    assert stream.getvalue() == ""


def test_time_left_at_the_speed_so_far(time_passes):
    stream = Terminal()
    with progress_bar("searching", 10, stream=stream) as show:
        time_passes(30)
        show(5)
        time_passes(0.01)
        show(6)  # too soon for another update
        time_passes(10)
        show(8)
    lines = [line.strip() for line in stream.getvalue().split("\r") if line.strip()]
    assert lines == [
        "searching [############            ]  50% 0:30, 0:30 left",
        "searching [###################     ]  80% 0:40, 0:10 left",
    ]
    assert stream.getvalue().endswith("\r")  # the line is left empty


def test_a_log_gets_whole_lines_and_few(time_passes):
    stream = io.StringIO()
    with progress_bar("searching", 100, stream=stream) as show:
        for done in range(100):
            time_passes(0.3)
            show(done)
    assert "\r" not in stream.getvalue()
    assert len(stream.getvalue().splitlines()) == 4
    assert stream.getvalue().endswith("searching ended at 99 of 100, 0:30\n")


def test_a_log_hears_of_quick_work_too():
    stream = io.StringIO()
    with progress_bar("training", 3, stream=stream) as show:
        show(2)
    assert stream.getvalue() == "training ended at 2 of 3, 0:00\n"


def test_no_stream_or_a_broken_one_ends_no_work(monkeypatch):
    monkeypatch.setattr(progress.sys, "stderr", None)
    with progress_bar("training", 3) as show:
        assert show is None
    closed = io.StringIO()
    closed.close()

    class Full(io.StringIO):
        def write(self, text):
            raise OSError("no space left on device")

    for stream in (closed, Full()):
        with progress_bar("training", 3, stream=stream) as show:
            show(2)


def test_clock():
    assert [clock(s) for s in (0, 59.4, 61, 3600, 36061)] == ["0:00", "0:59", "1:01", "1:00:00", "10:01:01"]
