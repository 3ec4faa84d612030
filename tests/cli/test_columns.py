"""What `fastml compare` says of single columns, of many columns, and of columns combined."""

import numpy as np
import pytest

from fastml.cli.columns import advice, entropy_of, information, information_line
from fastml.cli.models import CLASSIFICATION, REGRESSION
from fastml.cli.problem import Problem, from_table
from fastml.cli.tables import read_table
from fastml.cli.terminal import InputError
from fastml.persistence import read
from fastml.tree import information_gain

N = 400


def problem_of(X, y, task=CLASSIFICATION, texts=None):
    names = [f"c{i}" for i in range(X.shape[1])]
    return Problem("t", task, X, y, names, texts or {}, [], np.arange(len(y)))


def test_information_is_the_gain_less_chance():
    random = np.random.default_rng(0)
    kinds = random.integers(0, 3, N)
    y = np.where(random.random(N) < 0.8, kinds > 0, random.random(N) < 0.5)
    noise = random.integers(0, 100, N)
    X = np.column_stack([kinds, noise, np.full(N, np.nan)]).astype(float)
    found = dict(information(problem_of(X, y, texts={0: list("abc"), 1: [str(i) for i in range(100)]})))
    assert found["c0"] == pytest.approx(information_gain(y, kinds) - 2 / (2 * N * np.log(2)))
    assert found["c1"] < 0.05 < information_gain(y, noise)  # a hundred texts tell a lot of four hundred rows by chance
    assert found["c2"] == 0


def test_information_on_numbers_by_numbers():
    random = np.random.default_rng(1)
    x = random.normal(size=N)
    problem = problem_of(np.column_stack([random.normal(size=N), x**2]), np.abs(x), REGRESSION)
    assert entropy_of(problem) == pytest.approx(np.log2(10))
    (first, most), (_, least) = information(problem)
    assert first == "c1"
    assert most > 2
    assert least < 0.1
    assert information_line(problem).startswith("information on which tenth the target lies in, of 3.32 bits")


def test_nothing_to_tell():
    problem = problem_of(np.random.default_rng(2).normal(size=(N, 2)), np.arange(N) % 2)
    assert information_line(problem) == "no column by itself tells more of the target than chance"


@pytest.mark.parametrize(("d", "told"), [(2, False), (100, True)])
def test_advice_where_neighbours_suffer(d, told):
    X = np.random.default_rng(3).normal(size=(N, d))
    found = list(advice(problem_of(X, np.arange(N) % 2)))
    assert bool(found) == told
    if told:
        assert "nearest neighbours are likely to suffer" in found[0]
        assert found[0].endswith("(--reduce pca)")


@pytest.fixture
def factors(csv_file):
    """Ten columns that are two, and a text."""
    random = np.random.default_rng(4)
    two = random.normal(size=(120, 2))
    rows = np.round(two @ random.normal(size=(2, 10)), 3)
    lines = (",".join(map(str, row)) + f",{'xy'[i % 2]},{'ab'[int(two[i, 0] > 0)]}" for i, row in enumerate(rows))
    return csv_file("\n".join([",".join([*(f"c{i}" for i in range(10)), "t", "y"]), *lines]))


def test_compare_on_principal_components(here, factors):
    outcome = here("compare", factors, "--target", "y", "--folds", "3", "--reduce", "pca")
    assert outcome.code == 0, outcome.err
    assert "reduced by PCA: 12 columns, texts one-hot, to 3 principal components that hold 95%" in outcome.out
    assert ", then principal components" in outcome.out
    assert "information on the target, of 1.00 bits, in single columns: 'c" in outcome.out


def test_train_and_predict_on_principal_components(here, factors, tmp_path):
    path = tmp_path / "m.fml"
    trained = here("train", factors, "--target", "y", "--model", "LogisticRegression", "--reduce", "pca", "-o", path)
    assert trained.code == 0, trained.err
    assert read(path).model.coef_.shape == (1, 3)
    answers = here("predict", path, factors).out.split()[1:]
    truth = [line.rpartition(",")[2] for line in factors.read_text().splitlines()[1:]]
    assert np.mean([a == t for a, t in zip(answers, truth, strict=True)]) > 0.9


def test_columns_that_were_left_out_as_asked_are_named(csv_file):
    path = csv_file("a,b,y\n" + "".join(f"{i * i % 7},{i % 3},{'uv'[i % 2]}\n" for i in range(12)))
    with pytest.raises(InputError, match=r"left to predict 'y' from \(left out as asked: 'a', 'b'\)"):
        from_table(read_table(path), "y", aside=["a", "b"])
