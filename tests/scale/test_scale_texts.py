"""Columns of texts and categories in files and Dask: for the classes that take them, as in memory."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import fastml.scale
from fastml.linear_model import LogisticRegression
from fastml.naive_bayes import GaussianNB, MixedNB
from fastml.pipeline import make_pipeline
from fastml.preprocessing import OneHotEncoder, OrdinalEncoder

N = 2**13 + 500


def frame():
    random = np.random.default_rng(2)
    colour = np.array(["red", "blue", "grün", ""], object)[random.integers(0, 4, N)]
    size = random.normal(size=N)
    y = np.where(size + (colour == "red") > 0.5, "yes", "no")
    made = pd.DataFrame({"colour": colour, "size": size, "shop": random.integers(0, 3, N).astype(str), "y": y})
    made.loc[::50, "colour"] = None
    made.loc[N - 1, "shop"] = "new"
    return made


def in_files(folder, kind, made):
    for number, (a, b) in enumerate([(0, 10), (10, 10), (10, 5000), (5000, N)]):
        part = made.iloc[a:b]
        if kind == "parquet":
            if number == 0:
                part = part.astype({"shop": "category"}).astype({"shop": str})
            part.to_parquet(folder / f"{number}.parquet", row_group_size=2000)
        elif b > a:
            table = pa.Table.from_pandas(part)
            with pa.OSFile(str(folder / f"{number}.arrow"), "wb") as file, pa.ipc.new_file(file, table.schema) as out:
                out.write_table(table, max_chunksize=3000)
    return getattr(fastml.scale, kind)(folder, target="y")


def collection(made):
    pytest.importorskip("dask.dataframe")
    import dask.dataframe as dd

    import fastml.dask

    return fastml.dask.parts(dd.from_pandas(made, npartitions=3), "y")


@pytest.fixture(params=["parquet", "arrow", "dask"])
def parts(request, tmp_path):
    return collection(frame()) if request.param == "dask" else in_files(tmp_path, request.param, frame())


def test_mixed_naive_bayes_learns_texts_as_in_memory(parts):
    made = frame()
    one, other = MixedNB().fit(made.drop(columns="y"), made["y"]), MixedNB().fit(parts)
    assert other.kinds_ == one.kinds_ == ["categorical", "real", "categorical"]
    assert other.categories_ == one.categories_
    assert np.array_equal(one.var_, other.var_)
    assert all(map(np.array_equal, one.category_log_prob_, other.category_log_prob_))
    assert other.feature_names_in_.tolist() == ["colour", "size", "shop"]
    assert np.array_equal(fastml.scale.predict(other, parts), one.predict(made.drop(columns="y")))
    assert fastml.scale.score(other, parts) == one.score(made.drop(columns="y"), made["y"])


def test_encoders_find_the_texts_of_all_files(parts):
    made = frame().drop(columns="y")
    for model in (OrdinalEncoder(), OneHotEncoder(sparse_output=False)):
        one, other = type(model)(**model.get_params()).fit(made), model.fit(parts)
        for a, b in zip(one.categories_, other.categories_, strict=True):
            assert [x if x == x else None for x in a.tolist()] == [x if x == x else None for x in b.tolist()]
        rows = made.iloc[:300].astype(object).to_numpy()
        expected, found = one.transform(made.iloc[:300]), fastml.scale.transform(other, parts)
        assert found.shape[0] == N
        assert np.array_equal(found[:300], expected, equal_nan=True)
        assert rows.shape == (300, 3)


def test_a_pipeline_from_texts_to_a_linear_model(tmp_path):
    made = frame()
    parts = in_files(tmp_path, "parquet", made[["colour", "shop", "y"]].fillna("none"))
    model = make_pipeline(OneHotEncoder(sparse_output=False), LogisticRegression()).fit(parts)
    X = made[["colour", "shop"]].fillna("none").to_numpy(object)
    expected = make_pipeline(OneHotEncoder(sparse_output=False), LogisticRegression()).fit(X, made["y"])
    assert np.array_equal(model[-1].coef_, expected[-1].coef_)
    assert np.array_equal(fastml.scale.predict(model, parts), expected.predict(X))


def test_who_takes_numbers_says_so_and_an_infinite_number_is_found(tmp_path, parts):
    with pytest.raises(TypeError, match=r"column 'colour' of .* for GaussianNB columns of X must be numbers: choose"):
        GaussianNB().fit(parts)
    with pytest.raises(TypeError, match="for a survey columns of X must be numbers"):
        fastml.scale.survey(parts)
    made = frame()
    made.loc[6000, "size"] = np.inf
    bad = in_files(tmp_path, "parquet", made)
    with pytest.raises(ValueError, match=r"column 1 \('size'\) is inf in row 1000 of '.*3.parquet', and MixedNB"):
        MixedNB().fit(bad)


def test_texts_in_csv(tmp_path):
    made = frame().fillna("none")
    made.to_csv(tmp_path / "t.csv", index=False)
    parts = fastml.scale.csv(tmp_path / "t.csv", target="y")
    one, other = MixedNB().fit(made.drop(columns="y"), made["y"]), MixedNB().fit(parts)
    assert [each[:1] for each in other.categories_] == [each[:1] for each in one.categories_]
    assert np.array_equal(one.var_, other.var_)


def test_a_text_is_a_text_however_a_file_holds_it(tmp_path):
    made = frame()[["colour", "size", "y"]]
    kinds = [pa.string(), pa.large_string(), pa.string(), pa.large_string()]
    for number, kind in enumerate(kinds):
        part = made.iloc[number * 2000 : (number + 1) * 2000 if number < 3 else None]
        columns = {name: pa.array(part[name].astype(object), from_pandas=True) for name in part}
        colour = pa.array(part["colour"].astype(object), kind, from_pandas=True)
        columns["colour"] = colour.dictionary_encode() if number > 1 else colour
        pq.write_table(pa.table(columns), tmp_path / f"{number}.parquet")
    parts = fastml.scale.parquet(tmp_path, target="y")
    one, other = MixedNB().fit(made.drop(columns="y"), made["y"]), MixedNB().fit(parts)
    assert other.categories_ == one.categories_
    assert np.array_equal(one.var_, other.var_)
    assert np.array_equal(one.category_log_prob_[0], other.category_log_prob_[0])
