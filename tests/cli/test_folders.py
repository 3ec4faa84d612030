"""Folders of tables: trained on and predicted in parts."""

import numpy as np
import pandas as pd
import pytest

import fastml
from fastml.cli import main
from fastml.linear_model import LinearRegression
from fastml.naive_bayes import GaussianNB


@pytest.fixture
def folder(tmp_path):
    random = np.random.default_rng(0)
    frame = pd.DataFrame(random.normal(size=(3000, 3)), columns=["a", "b", "c"])
    frame["y"] = np.where(frame.a + frame.b > 0, "yes", "no")
    (tmp_path / "tables").mkdir()
    for number, part in enumerate(np.array_split(np.arange(3000), 4)):
        frame.iloc[part].to_parquet(tmp_path / "tables" / f"{number}.parquet")
    return tmp_path, frame


def test_a_folder_is_trained_on_and_predicted(folder, capsys):
    path, frame = folder
    tables, model, out = str(path / "tables"), str(path / "model.fml"), str(path / "out.parquet")
    given = ["--target", "y", "--model", "gaussiannb", "--memory", "64MiB"]
    assert main(["train", tables, *given, "-o", model]) == 0
    assert "fitted on 3000 rows" in capsys.readouterr().out
    expected = GaussianNB().fit(frame[["a", "b", "c"]], frame.y)
    assert np.array_equal(fastml.load(model).theta_, expected.theta_)
    assert main(["predict", model, tables, "-o", out]) == 0
    found = pd.read_parquet(out)["prediction"]
    assert found.tolist() == expected.predict(frame[["a", "b", "c"]]).tolist()
    one = str(path / "tables" / "0.parquet")
    assert main(["predict", model, one, "-o", out]) == 0
    assert len(pd.read_parquet(out)) == 750


def test_a_folder_on_a_cluster(folder, capsys):
    distributed = pytest.importorskip("distributed")
    path, frame = folder
    tables, model, out = str(path / "tables"), str(path / "model.fml"), str(path / "out.parquet")
    with distributed.LocalCluster(n_workers=1, processes=False, dashboard_address=":0") as cluster:
        there = ["--dask", cluster.scheduler_address]
        assert main(["train", tables, "--target", "y", "--model", "GaussianNB", "-o", model, *there]) == 0
        assert main(["predict", model, tables, "-o", out, *there]) == 0
        texts = path / "texts"
        texts.mkdir()
        frame.to_csv(texts / "1.csv", index=False)
        assert main(["train", str(texts), "--target", "y", "--model", "GaussianNB", "-o", model, *there]) == 2
        assert "does not tell its rows" in capsys.readouterr().err
    expected = GaussianNB().fit(frame[["a", "b", "c"]], frame.y)
    assert np.array_equal(fastml.load(model).theta_, expected.theta_)
    assert pd.read_parquet(out)["prediction"].tolist() == expected.predict(frame[["a", "b", "c"]]).tolist()
    assert main(["train", tables, "--target", "y", "--model", "GaussianNB", "-o", model, "--dask", "nonsense"]) == 2
    assert "--dask nonsense:" in capsys.readouterr().err


def test_a_folder_of_csv_and_settings(folder):
    path, frame = folder
    (path / "texts").mkdir()
    frame.assign(y=frame.a * 2 + 1).to_csv(path / "texts" / "1.csv", index=False)
    given = ["--target", "y", "--model", "LinearRegression", "--set", "fit_intercept=True"]
    assert main(["train", str(path / "texts"), *given, "-o", str(path / "m.fml")]) == 0
    model = fastml.load(path / "m.fml")
    assert isinstance(model, LinearRegression)
    np.testing.assert_allclose(model.coef_, [2, 0, 0], atol=1e-12)


@pytest.mark.parametrize("name", ["LogisticRegression", "GaussianNB", "DecisionTreeClassifier"])
def test_columns_of_texts_become_columns_of_0_and_1(folder, capsys, name):
    path, frame = folder
    frame = frame.assign(shop=np.where(frame.c > 0, "north", "süd"), y=np.where(frame.c > 0.01, "yes", "no"))[
        ["a", "shop", "y"]
    ]
    for file in (path / "tables").iterdir():
        file.unlink()
    for number, part in enumerate(np.array_split(np.arange(3000), 4)):
        frame.iloc[part].to_parquet(path / "tables" / f"{number}.parquet")
    tables, model, out = str(path / "tables"), str(path / "model.fml"), str(path / "out.parquet")
    assert main(["train", tables, "--target", "y", "--model", name, "-o", model]) == 0
    told = "columns as they are, a, shop" if "Tree" in name else "texts, a column of 0 and 1 for each: shop"
    assert told in capsys.readouterr().out
    frame.assign(shop="nowhere").iloc[:5].to_parquet(path / "tables" / "9.parquet")
    assert main(["predict", model, tables, "-o", out]) == 0
    found = pd.read_parquet(out)["prediction"]
    assert len(found) == 3005
    assert (found[:3000].to_numpy() == frame.y.to_numpy()).mean() > 0.98
    assert np.array_equal(fastml.load(model).predict(frame[["a", "shop"]]), found[:3000])


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (["--target", "y", "--model", "KNeighborsClassifier"], "does not learn from a folder"),
        (["--target", "z", "--model", "GaussianNB"], "has no column 'z'"),
        (["--target", "y", "--model", "GaussianNB", "--memory", "much"], "must be a size"),
        (["--target", "y", "--model", "GaussianNB", "--set", "x=1"], "has no setting 'x'"),
        (["--target", "y", "--model", "LinearRegression"], "cannot be fitted"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(folder, capsys, more, told):
    path, _ = folder
    assert main(["train", str(path / "tables"), *more, "-o", str(path / "m.fml")]) == 2
    said = capsys.readouterr().err.strip().splitlines()
    assert told in said[-1]
    assert not (path / "m.fml").exists()


def test_predictions_of_a_folder_go_to_a_file(folder, capsys):
    path, _ = folder
    tables, model = str(path / "tables"), str(path / "model.fml")
    assert main(["train", tables, "--target", "y", "--model", "GaussianNB", "-o", model]) == 0
    assert main(["predict", model, tables]) == 2
    assert "name one with -o" in capsys.readouterr().err
    (path / "none").mkdir()
    assert main(["predict", model, str(path / "none"), "-o", str(path / "o.npy")]) == 2
    assert "no file ending in" in capsys.readouterr().err


def test_a_tree_of_a_folder_within_little_memory(folder, capsys):
    path, _ = folder
    tables, model = str(path / "tables"), str(path / "tree.fml")
    given = ["train", tables, "--target", "y", "--model", "DecisionTreeClassifier", "--memory", "100KB", "-o", model]
    assert main([*given, "--set", "max_depth=3"]) == 0
    assert main(["predict", model, tables, "-o", str(path / "out.npy")]) == 0
    assert "rows, written to" in capsys.readouterr().out
    assert main([*given, "--set", "max_leaf_nodes=4"]) == 2
    assert "max_leaf_nodes grows from codes in memory" in capsys.readouterr().err
