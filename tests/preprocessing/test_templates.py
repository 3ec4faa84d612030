"""Feature templates: worked examples, the language, growth, hashing, names, files, and bad input."""

import pickle
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction import FeatureHasher
from sklearn.pipeline import make_pipeline

import fastml
from fastml.linear_model import LinearRegression, LogisticRegression, SGDClassifier
from fastml.preprocessing import FeatureTemplates

MAIL = ["length > 10", "fraction(alpha)", 'contains("@")', 'suffix(4) == [".com", ".org"]']
WEIGHTS = {"length>10": -1.2, "fracOfAlpha": 0.6, "contains_@": 3, "endsWith_.com": 2.2, "endsWith_.org": 1.4}
PEOPLE = [
    {"name": "Ada", "age": 36, "city": "London"},
    {"name": "Alan", "age": 41.5, "city": "London", "likes": ["chess", "running"]},
    {"name": "Bo", "city": "Oslo", "age": 7},
]


def columns(templates, X):
    """{name: values (n,)} of records."""
    phi = FeatureTemplates([templates] if isinstance(templates, str) else templates, sparse_output=False)
    table = phi.fit_transform(X)
    return dict(zip(phi.get_feature_names_out(), table.T.tolist(), strict=True))


def test_score_of_an_address():
    phi = FeatureTemplates(MAIL)
    X = phi.fit_transform(["abc@gmail.com"])
    assert phi.inverse_transform(X) == [
        {"length>10": 1.0, "fracOfAlpha": 11 / 13, "contains_@": 1.0, "endsWith_.com": 1.0}
    ]
    model = LinearRegression.from_weights(phi.weights(WEIGHTS))
    assert model.predict(X)[0] == pytest.approx(-1.2 + 0.6 * 11 / 13 + 3 + 2.2)
    assert round(model.predict(X)[0], 4) == 4.5077
    why = phi.explain("abc@gmail.com", model)
    assert [row[0] for row in why.rows] == ["contains_@", "endsWith_.com", "length>10", "fracOfAlpha"]
    assert [row[2] for row in why.rows] == pytest.approx([3, 2.2, -1.2, 0.6 * 11 / 13])
    assert phi.explain("n.org").rows == [("fracOfAlpha", 0.8), ("endsWith_.org", 1.0)]


def test_first_character_of_a_name():
    phi = FeatureTemplates(["char_at(0) in vowel", 'char_at(0) == ["A", "N"]'], sparse_output=False)
    assert phi.fit_transform(["Naoki Abe"]).tolist() == [[0, 0, 1]]
    assert phi.transform(["Abe", "Eve", ""]).tolist() == [[1, 1, 0], [1, 0, 0], [0, 0, 0]]
    assert phi.get_feature_names_out().tolist() == ["charAt0_in_vowel", "charAt0_A", "charAt0_N"]


@pytest.mark.parametrize(
    ("template", "X", "expected"),
    [
        ("suffix(3)", ["running", "ng", ""], {"endsWith_ing": [1, 0, 0], "endsWith_ng": [0, 1, 0]}),
        ("prefix(1)", ["é", "ab"], {"startsWith_a": [0, 1], "startsWith_é": [1, 0]}),
        ("char_at(-1)", ["ab", "b", ""], {"charAt-1_b": [1, 1, 0]}),
        ("char_at(1)", ["ab", "b"], {"charAt1_b": [1, 0]}),
        ('char_at(0) in "AN"', ["Nn", "nN"], {"charAt0_in_A|N": [1, 0]}),
        ('suffix(4) in [".com", ".org"]', ["a.com", "b.net"], {"endsWith_in_.com|.org": [1, 0]}),
        ("length", ["abc", ""], {"length": [3, 0]}),
        ("length >= [2, 3]", ["abc", "ab"], {"length>=2": [1, 1], "length>=3": [1, 0]}),
        ("length < 3", ["abc", ""], {"length<3": [0, 1]}),
        ("length == 3", ["abc", "ab"], {"length=3": [1, 0]}),
        ("length > quantiles(1)", ["a", "ab", "abc"], {"length>2": [0, 0, 1]}),
        ("count(digit)", ["a1 22", "x"], {"numOfDigit": [3, 0]}),
        ("count(punct) > 1", ["a!?", "b."], {"numOfPunct>1": [1, 0]}),
        ('count("aa")', ["aaaaa", "a"], {"count_aa": [2, 0]}),
        ("fraction(upper)", ["aB", ""], {"fracOfUpper": [0.5, 0]}),
        ('contains("http", ":")', ["http:", "x"], {"contains_http": [1, 0], "contains_:": [1, 0]}),
        ("contains(_)", ["aba", "b"], {"contains_a": [1, 0], "contains_b": [1, 1]}),
        ("contains(words(1))", ["to be to", "be"], {"contains_be": [1, 1], "contains_to": [1, 0]}),
        ("words(1, 2)", ["to be, to-be"], {"word_be": [2], "word_be to": [1], "word_to": [2], "word_to be": [2]}),
        ("words(1, least=1)", ["I am"], {"word_I": [1], "word_am": [1]}),
        ("lower.words(1)", ["To TO"], {"lower.word_to": [2]}),
        ("chars(2)", ["aaa b"], {"chars_ b": [1], "chars_a ": [1], "chars_aa": [2]}),
        ("word_chars(3)", ["ab c"], {"wordChars_ ab": [1], "wordChars_ c ": [1], "wordChars_ab ": [1]}),
        ("name.length > 3", PEOPLE, {"name.length>3": [0, 1, 0]}),
        ("age", PEOPLE, {"age": [36, 41.5, 7]}),
        ("age > [10, 40]", PEOPLE, {"age>10": [1, 1, 0], "age>40": [0, 1, 0]}),
        ("age == 7", PEOPLE, {"age=7": [0, 0, 1]}),
        ("city", PEOPLE, {"city=London": [1, 1, 0], "city=Oslo": [0, 0, 1]}),
        ('city == "Rome"', PEOPLE, {"city=Rome": [0, 0, 0]}),
        ('city in ["Oslo", "Rome"]', PEOPLE, {"city_in_Oslo|Rome": [0, 0, 1]}),
        ("city.lower", PEOPLE, {"city.lower=london": [1, 1, 0], "city.lower=oslo": [0, 0, 1]}),
        ("name.lower.prefix(1)", PEOPLE, {"name.lower.startsWith_a": [1, 1, 0], "name.lower.startsWith_b": [0, 0, 1]}),
        ('field("a b").prefix(1)', [{"a b": "x"}, {}], {"a b.startsWith_x": [1, 0]}),
        (
            "name.prefix(1) and age > 36",
            PEOPLE,
            {"name.startsWith_A and age>36": [0, 1, 0]},
        ),
        (
            "cell(lat, lon, 10)",
            [{"lat": 45.1, "lon": -73}, {"lat": -0.5, "lon": 3}, {"lat": 1}],
            {"lat in [-10,0) and lon in [0,10)": [0, 1, 0], "lat in [40,50) and lon in [-80,-70)": [1, 0, 0]},
        ),
        ("pixel(0, 1)", np.arange(8).reshape(2, 2, 2), {"pixel[0,1]": [1, 5]}),
        ("pixel(1, 0, 2) > 3", np.arange(12).reshape(1, 2, 2, 3), {"pixel[1,0,2]>3": [1]}),
        ("pixel(_, 0, 1)", np.ones((1, 2, 2, 3)), {"pixel[0,0,1]": [1], "pixel[1,0,1]": [1]}),
        ("x1 > 2", [[1, 2], [3, 4]], {"x1>2": [0, 1]}),
    ],
)  # fmt: skip
def test_what_a_template_makes(template, X, expected):
    assert columns(template, X) == expected


def test_conjunctions_of_three_multiply_values():
    found = columns('length and count("a") and prefix(1)', ["aab", "bb"])
    assert found == {"length and count_a and startsWith_a": [6, 0]}


def test_defaults():
    assert FeatureTemplates().fit(["To be"]).get_feature_names_out().tolist() == ["lower.word_be", "lower.word_to"]
    names = FeatureTemplates().fit(PEOPLE).get_feature_names_out().tolist()
    assert names == [
        *("age", "city=London", "city=Oslo", "likes=chess", "likes=running"),
        *("name=Ada", "name=Alan", "name=Bo"),
    ]
    images = np.arange(4.0).reshape(1, 2, 2)
    np.testing.assert_array_equal(FeatureTemplates().fit_transform(images).toarray(), [[0, 1, 2, 3]])


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame])
def test_frames(frame):
    X = frame({"age": [36, 7], "city": ["London", None]})
    phi = FeatureTemplates().fit(X)
    assert phi.get_feature_names_out().tolist() == ["age", "city=London"]
    assert phi.transform(X).toarray().tolist() == [[36, 1], [7, 0]]
    assert phi.feature_names_in_.tolist() == ["age", "city"]
    assert phi.explain(X[:1]).rows == [("age", 36.0), ("city=London", 1.0)]


def test_missing_values_of_fields_are_absent():
    X = [{"t": None}, {}, {"t": float("nan")}, {"t": "ab"}]
    assert columns("t.length < 5", X) == {"t.length<5": [0, 0, 1, 1]}
    assert columns("n > 1", [{"n": None}, {}, {"n": float("nan")}, {"n": 2}]) == {"n>1": [0, 0, 0, 1]}
    found = columns("n", [{"n": None}, {}, {"n": float("nan")}, {"n": 2}])["n"]
    np.testing.assert_array_equal(found, [0, 0, np.nan, 2])


TEXT = st.one_of(st.text(max_size=20), st.text(alphabet="ab \t\x00é\ud83d𝄞", max_size=30), st.just("x" * 5000))
EVERYTHING = [
    "prefix(2)", "suffix(3)", "char_at(-2)", "length", "length > _", "contains(_)", "fraction(alpha)", "count(space)",
    "words(1, 2)", "chars(1, 3)", "word_chars(2, 3)", "lower.chars(1)", "prefix(1) and suffix(1)",
    "char_at(0) in upper",
]  # fmt: skip


@given(st.lists(TEXT, min_size=1, max_size=6), st.lists(TEXT, max_size=3))
def test_any_texts(texts, others):
    """Canonical rows; a row does not depend on its neighbours; features met later leave the old ones where they are."""
    phi = FeatureTemplates(EVERYTHING)
    X = phi.fit_transform(texts)
    assert X.shape == (len(texts), phi.n_columns_) == (len(texts), len(set(phi.get_feature_names_out())))
    checked = sp.csr_matrix((X.data, X.indices, X.indptr), X.shape)
    assert checked.has_canonical_format
    assert (X.data != 0).all()
    assert (phi.transform(texts) != X).nnz == 0
    for i, text in enumerate(texts):
        assert (phi.transform([text]) != X[[i]]).nnz == 0
    assert X.indices.dtype == X.indptr.dtype == np.int32
    if others:
        before = phi.get_feature_names_out()
        phi.partial_fit(others)
        assert phi.get_feature_names_out()[: len(before)].tolist() == before.tolist()
        assert (phi.transform(texts)[:, : len(before)] != X).nnz == 0
        assert phi.transform(texts)[:, len(before) :].nnz == 0


@given(st.lists(TEXT, min_size=1, max_size=5))
def test_hashing_is_the_hash_of_the_names(texts):
    plain = FeatureTemplates(["chars(1, 2)", "length > 3", "suffix(2)"])
    rows = plain.inverse_transform(plain.fit_transform(texts))
    hashed = FeatureTemplates(plain.templates, n_features=32).fit(texts[:1]).transform(texts)
    expected = np.zeros((len(texts), 32))
    for i, row in enumerate(rows):
        for name, value in row.items():
            column, sign = place_of(name)
            expected[i, column] += sign * value
    np.testing.assert_array_equal(hashed.toarray(), expected)


def place_of(name):
    from fastml_ext.features import reference

    column, sign = reference.hash_names([name], 32)
    return column[0], sign[0]


def test_hashed_dictionaries_are_scikit_learns():
    ours = FeatureTemplates(n_features=64).fit_transform(PEOPLE[:1])
    theirs = FeatureHasher(64).transform(PEOPLE[:1])
    assert (ours != theirs).nnz == 0


def test_collisions():
    phi = FeatureTemplates(["chars(1)"], n_features=3).fit(["abcdefgh"])
    report = phi.collisions(["abcdefgh"])
    assert report.n_names == 8
    assert report.n_used <= report.n_columns == 3
    assert sum(map(len, report.shared.values())) + (report.n_used - len(report.shared)) == 8
    assert str(report).startswith("8 names in")
    assert phi.transform(["abcdefgh"]).nnz <= 3
    assert phi.get_feature_names_out().tolist() == ["hash0", "hash1", "hash2"]
    with pytest.raises(ValueError, match="n_features=None"):
        FeatureTemplates().fit(["a b"]).collisions(["a b"])


def test_min_rows_counts_over_calls():
    phi = FeatureTemplates(["words(1)"], min_rows=2).fit(["one two", "two three three"])
    assert phi.get_feature_names_out().tolist() == ["word_two"]
    phi.partial_fit(["three four"])
    assert phi.get_feature_names_out().tolist() == ["word_two", "word_three"]
    assert phi.transform(["one two three four"]).toarray().tolist() == [[1, 1]]


def test_a_linear_model_takes_columns_as_they_appear():
    batches = [["good film", "bad film"], ["good good plot", "awful plot"], ["awful bad", "fine good"]]
    phi, model, sizes = FeatureTemplates(["words(1)"]), SGDClassifier(loss="log_loss", random_state=0), []
    for texts in batches * 20:
        X = phi.partial_fit(texts).transform(texts)
        model.partial_fit(X, ["yes", "no"] if texts is not batches[2] else ["no", "yes"], classes=["no", "yes"])
        sizes.append(model.n_features_in_)
    assert sizes[:3] == [3, 5, 6]
    assert model.predict(phi.transform(["good", "awful"])).tolist() == ["yes", "no"]
    why = phi.explain("awful plot", model)
    assert why.prediction == "no"
    assert {row[0] for row in why.rows} == {"word_awful", "word_plot"}


def test_dictionaries_through_a_pipeline(monkeypatch):
    """Never through a dense matrix: rows of a hundred thousand columns would not fit."""
    for kind in (sp.csr_matrix, sp.csr_array):
        monkeypatch.setattr(kind, "toarray", lambda *_: pytest.fail("a dense matrix was made"))
    X = [{"word": f"w{i % 50_000}", "kind": "abc"[i % 3], "size": i % 7} for i in range(100_000)]
    y = [record["kind"] == "a" and record["size"] > 2 for record in X]
    model = make_pipeline(
        FeatureTemplates(["fields", "kind and size > 2"]), SGDClassifier(random_state=0, max_iter=3, tol=None)
    )
    assert model.fit(X, y).score(X, y) > 0.99
    monkeypatch.undo()
    why = model[0].explain(X[3], model)
    assert {"kind=a", "kind=a and size>2", "size"} <= {row[0] for row in why.rows}


def test_pipelines_explain_through_their_steps():
    from sklearn.preprocessing import MaxAbsScaler

    model = make_pipeline(FeatureTemplates(), MaxAbsScaler(), LogisticRegression()).fit(PEOPLE, [0, 0, 1])
    why = model[0].explain(PEOPLE[2], model)
    assert {row[0] for row in why.rows} == {"age", "city=Oslo", "name=Bo"}
    with pytest.raises(ValueError, match="MaxAbsScaler has no explain"):
        model[0].explain(PEOPLE[2], model[:2])


def test_float32_and_dense_output():
    phi = FeatureTemplates(["length"], dtype=np.float32)
    assert phi.fit_transform(["abc"]).dtype == np.float32
    assert isinstance(phi.set_params(sparse_output=False).transform(["abc"]), np.ndarray)
    framed = FeatureTemplates(["length"], sparse_output=False).set_output(transform="pandas").fit_transform(["abc"])
    assert framed["length"].tolist() == [3.0]


MIXED = {
    "texts": (["a b", "bc\ud800", ""], EVERYTHING),
    "dicts": (PEOPLE, ["fields", "age > _", "name.suffix(2) and city", "cell(age, age, 5)"]),
    "images": (np.arange(18.0).reshape(2, 3, 3), ["pixel(_, 1)", "pixel(0, 0) > 3"]),
}


@pytest.mark.parametrize("n_features", [None, 16])
@pytest.mark.parametrize("kind", MIXED)
def test_files_and_pickles(kind, n_features, tmp_path):
    X, templates = MIXED[kind]
    phi = FeatureTemplates(templates, n_features=n_features).fit(X)
    fastml.save(phi, tmp_path / "phi.fml")
    for again in (fastml.load(tmp_path / "phi.fml"), pickle.loads(pickle.dumps(phi))):
        assert again.get_feature_names_out().tolist() == phi.get_feature_names_out().tolist()
        assert (again.transform(X) != phi.transform(X)).nnz == 0
        assert (again.partial_fit(X).transform(X) != phi.transform(X)).nnz == 0


@pytest.mark.parametrize(
    ("templates", "X", "error", "words"),
    [
        (None, "one text", ValueError, "single text"),
        (None, {"a": 1}, ValueError, "single mapping"),
        (None, [], ValueError, "0 sample"),
        (None, 5, TypeError, "sequence of records"),
        (["length"], ["a", None], TypeError, r"X\[1\] is None.*put ''"),
        (["length"], ["a", 5], TypeError, r"X\[1\] is 5 of type int, but a text"),
        (["length"], ["a", b"bytes"], TypeError, r"X\[1\] is b'bytes'.*decode"),
        (["length"], [b"bytes"], TypeError, r"X\[0\] is b'bytes'.*decode"),
        (["fields"], [{"a": 1}, "text"], TypeError, r"X\[1\] is 'text' of type str, but X\[0\] is a mapping"),
        (["fields"], [{"a": b"x"}], TypeError, r"X\[0\]: 'a' is b'x' of bytes"),
        (["t.length"], [{"t": "a"}, {"t": 5}], TypeError, r"X\[1\]\['t'\] is 5 of type int, but a text"),
        (["t > 1"], [{"t": 1}, {"t": "5"}], TypeError, r"X\[1\]\['t'\] is '5' of type str, but a number"),
        (["length"], [{"t": "a"}], ValueError, r"name the key before it, as in key.length"),
        (["b"], pd.DataFrame({"a": [1]}), ValueError, "no column 'b': it has 'a'"),
        (["fields"], ["a"], ValueError, "fields reads mappings, but X holds texts"),
        (["pixel(0, 0)"], ["a"], ValueError, "reads images"),
        (["pixel(0, 5)"], np.ones((1, 2, 2)), ValueError, "place 5 of 2"),
        (["pixel(0, 0, 0)"], np.ones((1, 2, 2)), ValueError, "names channel 0"),
        (["pixel(0, _) > 1"], np.ones((1, 2, 2)), ValueError, "a threshold needs one"),
        ([], ["a"], ValueError, "templates is empty"),
        ([3], ["a"], TypeError, "templates holds 3 of type int"),
        (["length >"], ["a"], ValueError, "templates holds 'length >', which is no template: invalid syntax"),
        (["suffix(0)"], ["a"], ValueError, "at least one character"),
        (["suffix('a')"], ["a"], ValueError, "takes 1 integers"),
        (["fraction(vowels)"], ["a"], ValueError, "names no class of characters: they are alpha"),
        (["words(2, 1)"], ["a"], ValueError, "1 <= low <= high"),
        (["what(3)"], ["a"], ValueError, r"there is no what\(...\)"),
        (["prefix(1) > 3"], ["a"], ValueError, "only numbers have thresholds"),
        (["length > 'a'"], ["a"], ValueError, "a threshold is a number"),
        (["length in 'a'"], ["a"], ValueError, "only texts are compared with strings"),
        (["length != 3"], ["a"], ValueError, "the comparisons are"),
        (["contains('')"], ["a"], ValueError, "strings that are not empty"),
        (["lower"], ["a"], ValueError, "lower of what"),
        (["cell(a, b, 0)"], [{"a": 1, "b": 1}], ValueError, "sizes above 0"),
        (["__import__('os').system('true')"], ["a"], ValueError, "no template"),
    ],
)  # fmt: skip
def test_bad_input_is_named(templates, X, error, words):
    with pytest.raises(error, match=words):
        FeatureTemplates(templates).fit(X)


def test_bad_calls():
    with pytest.raises(NotFittedError):
        FeatureTemplates().transform(["a"])
    phi = FeatureTemplates().fit(["ab cd"])
    with pytest.raises(ValueError, match="X holds dicts, but texts were fitted"):
        phi.transform(PEOPLE)
    with pytest.raises(ValueError, match="no such feature"):
        phi.weights({"word_x": 1})
    with pytest.raises(ValueError, match="3 columns, but there are 2 features"):
        phi.inverse_transform(np.ones((1, 3)))
    with pytest.raises(ValueError, match="min_rows=2"):
        FeatureTemplates(n_features=8, min_rows=2).fit(["a"])
    with pytest.raises(ValueError, match="images have the shape"):
        FeatureTemplates().fit(np.ones((1, 2, 2))).transform(np.ones((1, 3, 3)))


@pytest.mark.parametrize(
    "values",
    [np.array([0, 1], "M8[ns]"), np.array([0, 1], "m8[ns]"), np.array([0, 1], "M8[D]").tolist(), [2**53 + 1, 0]],
)
def test_what_is_no_number_is_refused_in_every_kind_of_record(values):
    frame = pd.DataFrame({"a": values})
    for records in (frame, [{"a": value} for value in frame["a"]]):
        for template in (["a"], ["a >= 1"]):
            with pytest.raises((ValueError, TypeError), match="'a'"):
                FeatureTemplates(template).fit(records)


def test_numbers_of_every_kind_are_read():
    wanted = [[1.0], [2.0]]
    for values in ([Decimal(1), Decimal(2)], pd.array([1, 2], "Int64"), pd.array([1, 2], "int64[pyarrow]"), [1.0, 2]):
        made = FeatureTemplates(["a"], sparse_output=False).fit_transform(pd.DataFrame({"a": values}))
        assert made.tolist() == wanted
