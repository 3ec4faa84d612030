"""The cache of compiled kernels: a help where it works, never an error where it does not."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from fastml_ext import jit

MODULE = """
from fastml_ext.jit import kernel, kernel_bound, compilations, cache_folder
@kernel
def add(x, y):
    return x + y
@kernel_bound
def total(x):
    s = 0.0
    for v in x: s += v
    return s
"""
CALL = """
import numpy as np, small
assert small.add(2, 3) == 5 and small.total(np.ones(9)) == 9
print(small.compilations(), small.cache_folder())
"""
# What a folder nobody may write to looks like, also to root, who may write anywhere.
READ_ONLY = """
import tempfile
def refuse(*args, **options): raise PermissionError("read-only")
tempfile.TemporaryFile = refuse
"""
# What a full disk looks like: files can be made, and nothing put into them.
FULL_DISK = """
import resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
import numba, scipy.linalg
resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
"""


@pytest.fixture
def start(tmp_path):
    """start(before) runs CALL in a new process: (kernels compiled, cache folder)."""
    (tmp_path / "small.py").write_text(MODULE)
    inherited = {k: v for k, v in os.environ.items() if k != "NUMBA_CACHE_DIR"}

    def run(before="", drop=(), **environment):
        environment = {k: v for k, v in inherited.items() if k not in drop} | environment
        code = f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n{before}\n{CALL}"
        command = [sys.executable, "-W", "error", "-c", code]
        done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120)
        assert done.returncode == 0, done.stderr
        compiled, folder = done.stdout.split(maxsplit=1)
        return int(compiled), folder.strip()

    return run


def files(folder):
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*.nb?")}


def test_a_second_process_compiles_nothing_and_writes_nothing(start, tmp_path):
    assert start()[0] == 2
    written = files(tmp_path)
    assert len(written) == 4  # an index and a kernel, twice
    assert start()[0] == 0
    assert files(tmp_path) == written


def test_numbas_own_variable_says_where(start, tmp_path):
    folder = tmp_path / "elsewhere"
    assert start(NUMBA_CACHE_DIR=str(folder))[0] == 2
    assert files(folder)
    compiled, told = start(NUMBA_CACHE_DIR=str(folder))
    assert compiled == 0
    assert told.startswith(str(folder))


def test_read_only_installation_and_no_home(start, tmp_path):
    for _ in range(2):
        assert start(READ_ONLY, drop=("HOME", "XDG_CACHE_HOME")) == (2, "None")
    assert not files(tmp_path)


def test_home_unset(start):
    assert start(drop=("HOME", "XDG_CACHE_HOME"))[0] == 2
    assert start(drop=("HOME", "XDG_CACHE_HOME"))[0] == 0


def test_cache_folder_that_cannot_be_made(start, tmp_path):
    (tmp_path / "file").write_text("")
    unusable = str(tmp_path / "file" / "cache")
    compiled, told = start(NUMBA_CACHE_DIR=unusable)
    assert compiled == 2
    assert told == str(tmp_path / "__pycache__")  # beside the source, as if the variable were not set; and said so
    assert start(NUMBA_CACHE_DIR=unusable)[0] == 0


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit on the size of files")
def test_full_disk(start):
    assert start(FULL_DISK)[0] == 2
    assert start()[0] == 2  # what the full disk kept is no use, and no harm
    assert start()[0] == 0


@pytest.mark.parametrize("suffix", ["nbi", "nbc"])
@pytest.mark.parametrize("keep", [0, 0.5])
def test_truncated_files_are_compiled_and_written_anew(start, tmp_path, suffix, keep):
    start()
    for path in tmp_path.rglob(f"*.{suffix}"):
        path.write_bytes(path.read_bytes()[: int(path.stat().st_size * keep)])
    assert start()[0] == 2
    assert start()[0] == 0


def test_an_edit_of_a_module_beside_it_or_of_the_ground_floor_makes_a_kernel_stale(tmp_path, monkeypatch):
    from fastml_ext import numba_cache

    monkeypatch.setattr(numba_cache, "ROOT", str(tmp_path / "ext"))
    monkeypatch.setattr(numba_cache, "DEVICE", str(tmp_path / "ext" / "device"))
    stale = {
        "ext/one/a.py": [0, 1],
        "ext/one/sub/b.py": [0, 1],
        "ext/two/c.py": [2],
        "ext/device/d.py": [0, 1, 2, 3],
        "user/e.py": [3],
        "ext/one/reference/f.py": [],
    }
    for file in stale:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text("")

    def stamps():
        numba_cache.modules_below.cache_clear()
        numba_cache.modules_in.cache_clear()
        return [
            numba_cache.sources_of(str(tmp_path / folder)) for folder in ("ext/one", "ext/one/sub", "ext/two", "user")
        ]

    before = stamps()
    for file, places in stale.items():
        (tmp_path / file).write_text("x = 1")
        after = stamps()
        assert [i for i in range(4) if before[i] != after[i]] == places, file
        before = after
    numba_cache.modules_below.cache_clear()
    numba_cache.modules_in.cache_clear()


def test_many_processes_at_once(start):
    with ThreadPoolExecutor(6) as threads:
        assert all(compiled in (0, 1, 2) for compiled, _ in threads.map(lambda _: start(), range(6)))
    assert start()[0] == 0


def test_kernels_do_not_reorder_sums():
    """1 + 1e16 - 1e16 from left to right is 0; a bound may find 1 or 0."""

    def compensated(x):
        total, lost = 0.0, 0.0
        for value in x:
            step = value - lost
            grown = total + step
            lost = (grown - total) - step
            total = grown
        return total

    import numpy as np

    x = np.full(1_000_000, 0.1)
    assert jit.kernel(compensated)(x) == compensated(x.tolist()) == pytest.approx(1e5, abs=1e-9)


def test_kernels_keep_nan_and_divide_by_zero_as_numpy_does():
    import numpy as np

    @jit.kernel
    def ratio(x, y):
        return x / y

    @jit.kernel
    def differences(x):
        total = 0.0
        for value in x:
            total += value - value
        return total

    assert ratio(1.0, 0.0) == np.inf
    assert np.isnan(ratio(0.0, 0.0))
    assert np.isnan(differences(np.array([1.0, np.nan])))
