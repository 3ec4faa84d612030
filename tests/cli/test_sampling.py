"""Large tables: rows are drawn while they are read, and the memory they take does not grow with them."""

import subprocess
import sys

import numpy as np
import pytest

from fastml.cli import tables
from fastml.cli.problem import from_table
from fastml.cli.reading import meaning, parsing
from fastml.cli.reading.sampling import Sample
from fastml.cli.tables import read_table


@pytest.mark.parametrize("blocks", [[5], [3, 0, 4, 100, 1, 30], [1000] * 40])
@pytest.mark.parametrize("most", [None, 1, 10, 50, 10**6])
def test_what_is_kept(blocks, most):
    sample, kept, total = Sample(most), np.empty(0, np.int64), sum(blocks)
    numbers = np.split(np.arange(total), np.cumsum(blocks)[:-1])

    def pruned(kept, end=False):
        keep = sample.pruned(end)
        return kept if keep is None else kept[keep]

    for block in numbers:
        keep = sample.of(len(block))
        kept = pruned(np.concatenate([kept, block if keep is None else block[keep]]))
        assert most is None or len(kept) <= 3 * most + len(block)
    kept = pruned(kept, end=True)
    assert len(kept) == (total if most is None else min(most, total))
    assert (np.diff(kept) > 0).all()
    again, done = [], 0
    for block in numbers:
        keep = sample.again(done, len(block))
        again += (block if keep is None else block[keep]).tolist()
        done += len(block)
    assert again == kept.tolist()


def test_each_row_is_as_likely():
    counts = np.zeros(200)
    for seed in range(400):
        sample, kept = Sample(20), np.empty(0, np.int64)
        sample.random = np.random.default_rng(seed)
        for start in range(0, 200, 40):
            keep = sample.of(40)
            kept = np.concatenate([kept, start + (np.arange(40) if keep is None else keep)])
            keep = sample.pruned(end=start == 160)
            kept = kept if keep is None else kept[keep]
        counts[kept] += 1
    assert abs(counts - 40).max() < 5 * np.sqrt(40 * 0.9)
    assert ((counts - 40) ** 2 / (40 * 0.9)).mean() < 1.5


@pytest.fixture(params=["libraries", "plain"])
def installed(request, monkeypatch):
    monkeypatch.setattr(tables, "KEPT", 100)
    if request.param == "plain":
        monkeypatch.setitem(sys.modules, "pyarrow", None)
    else:
        pytest.importorskip("pyarrow")


N = 30_000
LARGE = "n,shuffled,price,when,note,late,few,kind\n" + "".join(
    f"{i + 1},{i * 7919 % N},${i % 977}.50,{1 + i % 28}.{1 + i % 12}.{1990 + i % 30},note {i},"
    f"{i if i < N - 5 else 'x'},{'red' if i % 3 else 'blue'},{'ab'[i * i % 5 > 2]}\n"
    for i in range(N)
)


def test_a_large_table(csv_file, installed):
    table = read_table(csv_file(LARGE), rows=50)
    assert (table.total, len(table.rows)) == (N, 100)
    columns = {column.name: column for column in table.columns}
    assert (columns["n"].values == table.rows + 1).all()
    assert (columns["price"].values == table.rows % 977 + 0.5).all()
    assert columns["when"].kind == "date"
    assert columns["note"].texts == sorted(f"note {i}" for i in table.rows)
    assert columns["late"].first_text == (N - 4, "x")  # though that row was not drawn
    if sys.modules.get("pyarrow", 0) is None:
        del sys.modules["pyarrow"]  # scikit-learn looks there
    problem = from_table(table, "kind", rows=50, folds=2)
    assert len(problem.y) == 50
    lines = LARGE.splitlines()
    assert [lines[row].rpartition(",")[2] for row in problem.rows] == problem.y.tolist()
    notes = " ".join(problem.notes)
    assert f"{N} rows, 8 columns" in notes
    assert f"used: 50 of {N} rows, drawn at random" in notes
    assert "left out: 'n', which counts the rows" in notes
    assert "left out: 'shuffled', which counts the rows" in notes
    assert "left out: 'note'" in notes


def test_what_is_kept_does_not_grow_with_the_file(csv_file, monkeypatch):
    """Texts that are all different, prices, moments: between the blocks of a file of any size."""
    pytest.importorskip("pyarrow")
    most, held = 0, tables.prune
    for name, number in (("KEPT", 1000), ("OTHERS", 500)):
        monkeypatch.setattr(tables if name == "KEPT" else meaning, name, number)
    monkeypatch.setattr(parsing, "BYTES", 2**16)

    def prune(columns, keep):
        nonlocal most
        held(columns, keep)
        sizes = [(len(c.places), len(c.others), sum(map(len, c.floats or c.codes))) for c in columns]
        most = max(most, *map(max, sizes))

    monkeypatch.setattr(tables, "prune", prune)
    days = np.datetime_as_string(np.datetime64("2001-01-01T00:00:00") + np.arange(200_000) * 37)
    rows = (f"u{i * 7919}-{i},{day},${i % 99991}.5,{i / 7:.6f},{'ab'[i % 2]}\n" for i, day in enumerate(days))
    table = read_table(csv_file("id,when,price,x,kind\n" + "".join(rows)), rows=1000)
    assert table.total == 200_000
    assert len(table.rows) == 1000
    assert most < 5000


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such measure")
def test_memory_stays_far_below_the_file(tmp_path):
    """A file of 150 MB, all of whose rows were once kept, at several times its size."""
    pytest.importorskip("pyarrow")
    block = "id,x,y,kind\n" + "".join(f"{i * 7919},{i / 7:.9f},{i / 3:.9f},{'ab'[i % 2]}\n" for i in range(50_000))
    header, _, rows = block.partition("\n")
    with (tmp_path / "t.csv").open("w") as file:
        file.write(header + "\n")
        file.writelines(rows for _ in range(80))
    code = (
        "import resource, sys; from fastml.cli import tables; import pyarrow.csv, pyarrow.compute\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "table = tables.read_table(sys.argv[1], rows=1000)\n"
        "print(table.total, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)"
    )
    ended = subprocess.run([sys.executable, "-c", code, tmp_path / "t.csv"], capture_output=True, text=True, check=True)
    total, peak = map(int, ended.stdout.split())
    assert total == 4_000_000
    assert peak // (2**10 if sys.platform == "darwin" else 1) < 350 * 2**10
