"""Settings of every test: which fastml is tested, and how hard Hypothesis looks."""

import os
import signal

os.environ.setdefault("SCIPY_ARRAY_API", "1")  # or scikit-learn's check_estimator leaves a check out
os.environ.setdefault("MPLBACKEND", "Agg")
os.environ["PYTHONSAFEPATH"] = (
    "1"  # processes that tests start see the installed package too, not the folder they are in
)

# A shell starts its background jobs with Ctrl-C ignored; tests that send it, to themselves or to a process of their
# own, would wait for ever.
signal.signal(signal.SIGINT, signal.default_int_handler)

import pytest  # noqa: E402
from hypothesis import settings  # noqa: E402

from fastml_ext import jit  # noqa: E402
from fastml_ext.ahead import record  # noqa: E402
from fastml_ext.ahead.compile import is_rare  # noqa: E402

settings.register_profile("fast", max_examples=40, deadline=None)
settings.register_profile("thorough", max_examples=1000, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fast"))


def pytest_report_header():
    import fastml

    data = os.environ.get("FASTML_DATA", "FASTML_DATA not set")
    return f"fastml {fastml.__version__} from {fastml.__path__[0]}, data: {data}"


_seen = set()


@pytest.fixture(autouse=True)
def _calls_only_kernels_of_the_list():
    """Where kernels are compiled ahead, a user must not wait for a compiler but for what is left to it on purpose."""
    yield
    new = (jit.fallbacks() if jit.LEVEL != "jit" else set()) - _seen
    _seen.update(new)
    unlisted = sorted(f"{call}" for call in new if not record.expected(*call) and not is_rare(call))
    assert not unlisted, "not in fastml_ext/signatures.txt, nor left to Numba on purpose: see CONTRIBUTING.md"
