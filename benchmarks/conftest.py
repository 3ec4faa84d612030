"""Options of `make bench`, the same number of threads for every library, and the report at the end."""

import os
from pathlib import Path

import pytest

from fastml_ext.pool import cpu_limit

THREADS = cpu_limit()
SLOWER = pytest.StashKey[list]()  # what the report found to be slower than in the runs before
for _name in ("FASTML", "OMP", "OPENBLAS", "MKL", "NUMBA"):  # read by the libraries when they are first imported
    os.environ[f"{_name}_NUM_THREADS"] = str(THREADS)
os.environ["PYTHONSAFEPATH"] = "1"  # processes that benchmarks start see the installed package too
os.environ["LOKY_MAX_CPU_COUNT"] = str(THREADS)


def pytest_addoption(parser):
    parser.addoption("--tiny", action="store_true", help="each benchmark once, at a size that takes no time")
    parser.addoption("--report", type=Path, help="write the ratios of this run to this Markdown file")


@pytest.fixture
def tiny(request):
    return request.config.getoption("--tiny")


def pytest_benchmark_update_json(config, benchmarks, output_json):
    target = config.getoption("--report")
    if target is not None:
        import report

        config.stash[SLOWER] = report.write(target, output_json, THREADS)


def pytest_terminal_summary(terminalreporter, config):
    for line in config.stash.get(SLOWER, []):
        terminalreporter.write_line(f"slower than before: {line}", red=True)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session):
    if session.config.stash.get(SLOWER, []) and session.exitstatus == 0:
        session.exitstatus = 1
