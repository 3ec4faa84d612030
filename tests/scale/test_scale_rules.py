"""What happens to tables that are not as they should be, to errors on the way, and to classes that cannot."""

import subprocess
import sys
import threading

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import fastml.scale
from fastml.linear_model import LinearRegression, LogisticRegression, SGDClassifier
from fastml.naive_bayes import GaussianNB, MultinomialNB
from fastml.neighbors import KNeighborsClassifier
from fastml.preprocessing import OrdinalEncoder
from fastml.scale.fitting import Table
from fastml.svm import LinearSVC

X, Y = np.arange(40.0).reshape(20, 2), np.arange(20) % 2


def frame(**columns):
    return pd.DataFrame({"a": X[:, 0], "b": X[:, 1], "y": Y} | columns)


def test_a_class_that_cannot_says_so_with_the_size_and_the_cure():
    parts = fastml.scale.arrays(X, Y)
    with pytest.raises(TypeError, match=r"KNeighborsClassifier needs.*20 rows × 2 columns.*GaussianNB.*parts\.rows"):
        KNeighborsClassifier().fit(parts)
    with pytest.raises(TypeError, match="KNeighborsClassifier needs its table in memory"):
        KNeighborsClassifier().fit(X=parts)
    with pytest.raises(TypeError, match="fastml.scale.partial_fit"):
        SGDClassifier().fit(parts)


def test_nothing_is_collected_in_silence():
    parts = fastml.scale.arrays(X, Y)
    model = GaussianNB().fit(parts)
    for call in (lambda: np.asarray(parts), lambda: model.predict(parts), lambda: model.score(parts, Y)):
        with pytest.raises(TypeError, match=r"fastml\.scale\.predict"):
            call()


def test_a_target_that_is_given_twice_and_weights_are_refused():
    parts = fastml.scale.arrays(X, Y)
    for call in (
        lambda: GaussianNB().fit(parts, Y),
        lambda: GaussianNB().fit(parts, sample_weight=np.ones(20)),
    ):
        with pytest.raises(TypeError, match="takes parts alone"):
            call()
    with pytest.raises(ValueError, match="has no target"):
        LinearRegression().fit(fastml.scale.arrays(X))


def test_missing_and_infinite_values_are_told_by_file_row_and_column(tmp_path):
    frame().to_parquet(tmp_path / "1.parquet")
    frame(b=np.where(np.arange(20) == 7, np.inf, 1.0)).to_parquet(tmp_path / "2.parquet", row_group_size=3)
    parts = fastml.scale.parquet(tmp_path, target="y")
    for model in (GaussianNB(), LogisticRegression(), LinearRegression()):
        with pytest.raises(ValueError, match=r"column 1 \('b'\) is inf in row 7 of '.*2\.parquet'"):
            model.fit(parts)
    found = fastml.scale.survey(parts)
    assert (found.n_rows, found.infinite.tolist(), found.missing.tolist()) == (40, [0, 1], [0, 0])
    assert found.first_bad[1].startswith("row 7 of ")
    assert found.labels == {0: 20, 1: 20}
    assert found.maximum.tolist() == [38.0, 39.0]
    assert "row 7 of" in str(found)


def test_a_missing_target_is_told_by_file_and_row(tmp_path):
    frame(y=[*Y[:-1].astype(object), None]).to_parquet(tmp_path / "1.parquet")
    with pytest.raises(ValueError, match=r"'y' is missing in row 19 of '.*1\.parquet'"):
        GaussianNB().fit(fastml.scale.parquet(tmp_path, target="y"))
    y = np.where(np.arange(20) == 3, np.nan, 1.0)
    with pytest.raises(ValueError, match=r"y is nan in row 3"):
        LinearRegression().fit(fastml.scale.chunks([(X, y)]))


def test_files_that_differ_are_told_by_file_and_column(tmp_path):
    frame().to_parquet(tmp_path / "1.parquet")
    frame(b=X[:, 1].astype(np.float32)).to_parquet(tmp_path / "2.parquet")
    with pytest.raises(ValueError, match=r"column 'b' is of float in '.*2\.parquet', and of double in '.*1\.parquet'"):
        fastml.scale.parquet(tmp_path, target="y")
    frame().drop(columns="b").to_parquet(tmp_path / "2.parquet")
    with pytest.raises(ValueError, match=r"'.*2\.parquet' has no column 'b'"):
        fastml.scale.parquet(tmp_path, target="y")
    np.save(tmp_path / "1.npy", X)
    np.save(tmp_path / "2.npy", X.astype(np.float32))
    with pytest.raises(ValueError, match=r"2\.npy' is of float32, and '.*1\.npy' of float64"):
        fastml.scale.npy(tmp_path)
    np.save(tmp_path / "2.npy", X[:, :1])
    with pytest.raises(ValueError, match="has 1 columns"):
        fastml.scale.npy(tmp_path)


def test_lengths_that_differ_are_told(tmp_path):
    np.save(tmp_path / "X.npy", X)
    np.save(tmp_path / "y.npy", Y[:-1])
    with pytest.raises(ValueError, match="has 20 rows, and .* has 19 targets"):
        fastml.scale.npy(tmp_path / "X.npy", y=tmp_path / "y.npy")
    with pytest.raises(ValueError, match="X has 20 rows, and y has shape"):
        fastml.scale.arrays(X, Y[:3])
    with pytest.raises(ValueError, match="chunk 1 has 20 rows of X, and y of shape"):
        GaussianNB().fit(fastml.scale.chunks([(X, Y), (X, Y[:1])]))


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda folder: fastml.scale.npy(folder / "no.npy"), "there is no file"),
        (lambda folder: fastml.scale.npy(folder / "no*.npy"), "no file is named as in"),
        (lambda folder: fastml.scale.parquet(folder, target="y"), r"has no file \*\.parquet"),
        (lambda folder: fastml.scale.npy(folder / "text.txt"), "no file of one array"),
        (lambda folder: fastml.scale.parquet(folder / "text.txt"), "no Parquet file"),
        (lambda folder: fastml.scale.arrow(folder / "text.txt"), "no file of Arrow's format"),
        (lambda folder: fastml.scale.csv(folder / "text.txt", target="z"), "has no column 'z'"),
        (lambda folder: fastml.scale.chunks(3), "takes an iterable"),
        (lambda folder: fastml.scale.chunks([]), "no chunk came"),
        (lambda folder: fastml.scale.arrays([1.0, 2.0]), "has shape|Expected 2D|2-D"),
    ],
)
def test_what_cannot_be_read_is_told(call, told, tmp_path):
    (tmp_path / "text.txt").write_text("a,b\n1,2\n")
    with pytest.raises((ValueError, TypeError, FileNotFoundError), match=told):
        call(tmp_path)


def test_texts_as_columns_are_told_with_those_that_are_numbers(tmp_path):
    frame(name=["x"] * 20).to_parquet(tmp_path / "1.parquet")
    with pytest.raises(TypeError, match=r"column 'name' .* must be numbers: choose them by columns=\['a', 'b'\]"):
        GaussianNB().fit(fastml.scale.parquet(tmp_path, target="y"))
    assert fastml.scale.parquet(tmp_path, target="y", columns=["b"]).n_features == 1


def test_no_rows_at_all(tmp_path):
    frame().iloc[:0].to_parquet(tmp_path / "1.parquet")
    parts = fastml.scale.parquet(tmp_path, target="y")
    with pytest.raises(ValueError, match="0 rows"):
        GaussianNB().fit(parts)
    with pytest.raises(ValueError, match="0 rows"):
        LinearRegression().fit(parts)
    model = GaussianNB().fit(X, Y)
    assert fastml.scale.predict(model, parts, method="predict_proba").shape == (0, 2)
    assert fastml.scale.predict(model, parts, tmp_path / "none.npy") == 0
    assert np.load(tmp_path / "none.npy").dtype == Y.dtype


@pytest.mark.parametrize(
    "options", [{"loss": "hinge"}, {"penalty": "l1"}, {"dual": True}, {"class_weight": "balanced"}, {"solver": "sgd"}]
)
def test_what_a_linear_svc_of_parts_does_not_do_is_told(options):
    with pytest.raises(ValueError, match="LinearSVC of a table in parts goes to the optimum of the squared hinge"):
        LinearSVC(**options).fit(fastml.scale.arrays(X, Y))
    with pytest.raises(ValueError, match="y has one class only, 0"):
        LinearSVC().fit(fastml.scale.arrays(X, Y * 0))


def test_encoders_of_parts_refuse_what_is_no_category():
    with pytest.raises(ValueError, match="column 'x1' has more than 1048576 distinct values"):
        OrdinalEncoder().fit(fastml.scale.arrays(np.arange(2.0**21).reshape(-1, 1) * [0, 1]))


def test_an_iterator_is_read_once():
    for made in (iter([(X, Y)]), ((X, Y) for _ in range(1))):
        with pytest.raises(ValueError, match="can be read once, and another pass is needed"):
            GaussianNB().fit(fastml.scale.chunks(made))
    assert GaussianNB().fit(fastml.scale.chunks(lambda: iter([(X, Y)]))).class_count_.tolist() == [10, 10]
    parts = fastml.scale.chunks(iter([X[:10], X[10:]]))
    assert len(fastml.scale.predict(GaussianNB().fit(X, Y), parts)) == 20


def test_negative_counts_are_told_as_in_memory():
    with pytest.raises(ValueError, match="Negative values in data passed to MultinomialNB"):
        MultinomialNB().fit(fastml.scale.arrays(-X, Y))


def test_numbers_as_labels_are_refused_early():
    with pytest.raises(ValueError, match="more than 10000 different labels"):
        GaussianNB().fit(fastml.scale.arrays(np.zeros((20_000, 1)), np.arange(20_000)))
    with pytest.raises(ValueError, match="continuous"):
        GaussianNB().fit(fastml.scale.arrays(X, Y + 0.5))


class Interrupted(fastml.scale.Parts):
    """Two good pieces, then an error."""

    n_rows, n_features, dtype, has_target, what = 3 * 2**13, 1, np.dtype(float), True, "a broken disk"

    def __init__(self, error):
        self.error = error

    def targets(self):
        yield np.arange(3 * 2**13) % 2, "y", 0

    def pieces(self, first=0, most=None):
        from fastml.scale.parts import Piece

        for number in range(2):
            yield Piece(np.ones((2**13, 1)), np.arange(2**13) % 2, "disk", number * 2**13)
        raise self.error


@pytest.mark.parametrize("error", [OSError("the disk is gone"), KeyboardInterrupt()])
def test_after_an_error_the_model_is_what_it_was_and_no_thread_is_left(error):
    model = GaussianNB().fit(X[:, :1], Y)
    before, theta = threading.active_count(), model.theta_
    with pytest.raises(type(error)):
        model.fit(Interrupted(error))
    assert model.theta_ is theta
    assert not [thread for thread in threading.enumerate() if thread.name == "fastml-reading"]
    assert threading.active_count() <= before + 1


def test_an_error_of_the_work_ends_the_reading():
    class Failing:
        def partial(self, rows):
            raise ZeroDivisionError(f"rows from {rows.start}")

        def merge(self, first, second):
            raise AssertionError

    table = Table(fastml.scale.arrays(np.ones((10**5, 1)), np.arange(10**5) % 2, memory=2**10), GaussianNB())
    with pytest.raises(ZeroDivisionError):
        table.reduce(Failing())
    assert not [thread for thread in threading.enumerate() if thread.name == "fastml-reading"]


def test_a_logistic_fit_reads_the_table_at_most_four_times():
    random = np.random.default_rng(0)
    Z = random.normal(size=(200_000, 3))
    y = (Z @ [1.0, -2.0, 0.5] + random.logistic(size=len(Z)) > 0).astype(int)
    reads = []

    class Counted(type(fastml.scale.arrays(Z, y))):
        def pieces(self, first=0, most=None):
            reads.append(first)
            return super().pieces(first, most)

    parts = fastml.scale.arrays(Z, y, memory=2**20)
    parts.__class__ = Counted
    model = LogisticRegression().fit(parts)
    assert model.converged_
    assert len(reads) <= 4
    np.testing.assert_allclose(model.coef_, LogisticRegression(tol=1e-8).fit(Z, y).coef_, rtol=1e-7)


MEASURED_PARQUET = """
import sys
import numpy as np
import fastml.scale
from fastml.naive_bayes import GaussianNB
def peak():
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))
GaussianNB().fit(fastml.scale.parquet(sys.argv[1] + "/small.parquet", target="y"))
before = peak()
GaussianNB().fit(fastml.scale.parquet(sys.argv[1] + "/large.parquet", target="y", memory=2**25))
print(peak() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_memory_of_a_pass_over_parquet_does_not_grow_with_the_file(tmp_path):
    """Three million rows, 100 MB, in one file of 48 row groups."""
    part = pd.DataFrame(np.random.default_rng(0).normal(size=(2**16, 8)).astype(np.float32)).add_prefix("x")
    made = pa.Table.from_pandas(part.assign(y=np.arange(2**16) % 3))
    for name, times in (("small", 1), ("large", 48)):
        with pq.ParquetWriter(tmp_path / f"{name}.parquet", made.schema) as writer:
            for _ in range(times):
                writer.write_table(made)
    done = subprocess.run(
        [sys.executable, "-c", MEASURED_PARQUET, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert int(done.stdout) < 100_000


MEASURED = """
import sys
import numpy as np
import fastml.scale
from fastml.naive_bayes import GaussianNB
folder, rows = sys.argv[1], int(sys.argv[2])
GaussianNB().fit(np.ones((4, 8), np.float32), [0, 1, 0, 1])
def peak():  # ru_maxrss would begin with that of the process which started this one
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))
before = peak()
GaussianNB().fit(fastml.scale.npy(folder + "/X.npy", y=folder + "/y.npy", memory=2**25))
print(peak() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_memory_of_a_pass_is_bounded(tmp_path):
    """Two million rows of 64 MB, labels of 2 MB: a pass holds the 2**25 bytes that it may, and what Python adds."""
    rows = 2_000_000
    table = np.lib.format.open_memmap(tmp_path / "X.npy", "w+", np.float32, (rows, 8))
    for start in range(0, rows, 10**5):
        table[start : start + 10**5] = np.random.default_rng(start).normal(size=(10**5, 8))
    table.flush()
    np.save(tmp_path / "y.npy", (np.arange(rows) % 3).astype(np.int8))
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, str(tmp_path), str(rows)], capture_output=True, text=True, check=True
    )
    assert 1_000 < int(done.stdout) < 45_000
