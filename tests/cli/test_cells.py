"""What the cells of a file mean: labels as they stand, decimals by comma or point, marks, codes, counts of the rows."""

import numpy as np
import pytest

from fastml.cli.problem import from_table, wants_labels
from fastml.cli.tables import read_table


def labels_of(path, task="auto"):
    table = read_table(path, as_text=wants_labels("y", task))
    return from_table(table, "y", task, folds=1).y.tolist()


def predicted(here, csv_file, tmp_path, text, new=None, model="DecisionTreeClassifier"):
    """What a tree says of the rows it was trained on, or of others."""
    outcome = here("train", csv_file(text), "--target", "y", "--model", model, "-o", tmp_path / "m.fml")
    assert outcome.code == 0, outcome.err
    answer = here("predict", tmp_path / "m.fml", csv_file(text if new is None else new, "new.csv"))
    assert answer.code == 0, answer.err
    return answer.out.splitlines()[1:]


# ------------------------------------------------------------------------------------------------ labels


@pytest.mark.parametrize(
    "pair",
    [
        ("90071992547409921", "90071992547409929"), ("9007199254740992", "9007199254740993"), ("1e22", "1.5e22"),
        ("1e20", "2e20"), ("007", "7"), ("00", "0"), ("1" * 30, "1" * 29 + "2"), ("-5", "5"), ("0.5", "1.5"),
        ("9223372036854775807", "9223372036854775808"), ("a b", "ab"), ("-", "+"), ("None", "Some"),
        ("1_000", "1000"), ("True", "False"), ("1e-400", "0"), ("é", "e\u0301"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("task", ["classification"])
def test_labels_come_back_as_they_stand(csv_file, pair, task):
    path = csv_file("a,y\n" + "".join(f"{i * i},{pair[i > 1]}\n" for i in range(4)))
    assert [str(label) for label in labels_of(path, task)] == [pair[0]] * 2 + [pair[1]] * 2


def test_labels_through_a_model_and_back(here, csv_file, tmp_path):
    for a, b in (("007", "7"), ("1e20", "2e20"), ("90071992547409921", "90071992547409929")):
        text = f"a,b,y\n1,2,{a}\n2,3,{a}\n8,9,{b}\n9,9.5,{b}\n"
        assert predicted(here, csv_file, tmp_path, text) == [a, a, b, b]


@pytest.mark.parametrize(
    ("cells", "labels"),
    [
        (["yes", "yes ", " yes", "no"], ["yes", "yes", "yes", "no"]),
        (["1", "1 ", "2", "2"], [1, 1, 2, 2]),
        (["yes\u00a0", "yes", "no", "no\t"], ["yes", "yes", "no", "no"]),
        (["1", "1.0", "1", "2"], ["1", "1", "1", "2"]),
        (["1e3", "1000", "1000", "5"], ["1000", "1000", "1000", "5"]),
        (["-0", "0", "0", "1"], ["0", "0", "0", "1"]),
        (["+3", "3", "3", "4"], ["3", "3", "3", "4"]),
        (["01", "1", "1", "2"], ["01", "1", "1", "2"]),
        (['"yes "', "yes", "no", "no"], ["yes", "yes", "no", "no"]),
    ],
)
def test_one_class_in_several_spellings(csv_file, cells, labels):
    path = csv_file("a,y\n" + "".join(f"{i * i},{cell}\n" for i, cell in enumerate(cells)))
    assert labels_of(path, "classification") == labels


# ------------------------------------------------------------------------------------------------ numbers


def columns_of(path, **options):
    return {column.name: column.values.tolist() for column in read_table(path, **options).columns if not column.texts}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("v;p\n999;0,5\n1.500;0,5\n2.000;1,5\n", {"v": [999, 1500, 2000], "p": [0.5, 0.5, 1.5]}),
        ("v;p\n999;0.5\n1,500;0.5\n2,000;1.5\n", {"v": [999, 1500, 2000], "p": [0.5, 0.5, 1.5]}),
        ("v;p\n1.234,5;1\n1.000.000;2\n", {"v": [1234.5, 1e6], "p": [1, 2]}),
        ('v,p\n"1,234.5",1\n"1,000,000",2\n', {"v": [1234.5, 1e6], "p": [1, 2]}),
        ('v,p\n"0,5",1\n"1,25",2\n', {"v": [0.5, 1.25], "p": [1, 2]}),
        ("v;p\n1.500;1\n2.250;2\n", {"v": [1.5, 2.25], "p": [1, 2]}),
        ("v;p\n1,500;1\n2,250;2\n", {"v": [1.5, 2.25], "p": [1, 2]}),
        ("v\tp\n0.500\t0,5\n1.500\t1,5\n", {"v": [0.5, 1.5], "p": [0.5, 1.5]}),
        ("v;p\n1.5;0,5\n2.25;1,5\n", {"v": [1.5, 2.25], "p": [0.5, 1.5]}),
        ("v;p\n-1.500;0,5\n+2.000;-1,5e1\n", {"v": [-1500, 2000], "p": [0.5, -15]}),
    ],
)
def test_points_and_commas(csv_file, text, expected):
    assert columns_of(csv_file(text)) == expected


def test_thousands_are_told(csv_file):
    path = csv_file("v;p;y\n999;0,5;a\n1.500;0,5;b\n2.000;1,5;a\n")
    notes = from_table(read_table(path), "y", folds=1).notes
    assert any("decimal commas, thousands in groups in 'v'" in note for note in notes)


def test_a_new_file_is_read_as_the_first_was(here, csv_file, tmp_path):
    text = "v;p;y\n999;0,5;lo\n1.500;0,5;hi\n1.700;0,5;hi\n500;1,5;lo\n20;1,5;lo\n2.000;1,5;hi\n"
    assert predicted(here, csv_file, tmp_path, text, "v;p\n1.600;1\n1.100;1\n") == ["hi", "lo"]
    assert predicted(here, csv_file, tmp_path, text, "p,v\n1,1600\n1,900\n") == ["hi", "lo"]


@pytest.mark.parametrize("mark", ["-", "--", "—", "–", " NA ", "n/a", "<NA>", "None", "#N/A N/A", ".", " "])
def test_missing_numbers(csv_file, mark):
    assert np.isnan(columns_of(csv_file(f"a,b\n1,2\n{mark},3\n"))["a"]).tolist() == [False, True]


def test_a_dash_among_texts_is_a_text(csv_file):
    [column, _] = read_table(csv_file("a,b\n+,2\n-,3\nNone,4\n")).columns
    assert column.texts == ["+", "-", "None"]


def test_codes_with_leading_zeros_are_texts(csv_file):
    zip_code, number = read_table(csv_file("zip,x\n01234,0\n98765,0.5\n")).columns
    assert zip_code.texts == ["01234", "98765"]
    assert number.texts is None


@pytest.mark.parametrize(
    "counts", [range(1, 31), range(30, 0, -1), [i * 7 % 30 for i in range(30)], [5 + i * 11 % 30 for i in range(30)]]
)
def test_counts_of_the_rows_are_left_out(csv_file, counts):
    path = csv_file("id,a,y\n" + "".join(f"{c},{i * i % 7},{'ab'[i % 2]}\n" for i, c in enumerate(counts)))
    problem = from_table(read_table(path), "y")
    assert problem.names == ["a"]
    assert "left out: 'id', which counts the rows" in problem.notes


# ------------------------------------------------------------------------------------------------ new tables


def test_a_new_table_of_one_column(here, csv_file, tmp_path):
    text = "x,y\n1,no\n2.5,no\n8,yes\n9,yes\n"
    assert predicted(here, csv_file, tmp_path, text, "x\n1\n9\n") == ["no", "yes"]
    assert predicted(here, csv_file, tmp_path, text, "x\n1,5\n9,5\n") == ["no", "yes"]
    assert predicted(here, csv_file, tmp_path, text, "x\n") == []


def test_a_long_cell(here, csv_file, tmp_path):
    text = "c,a,y\n" + "x" * 1_000_000 + ",1,no\nz,2,no\nz,8,yes\nz,9,yes\n"
    assert predicted(here, csv_file, tmp_path, text) == ["no", "no", "yes", "yes"]


@pytest.mark.parametrize("ending", ["", ".jsonl", ".parquet"])
@pytest.mark.parametrize(
    ("one", "other"),
    [("90071992547409921", "90071992547409923"), ("-9007199254740993", "-9007199254740992"),
     ("12345678901234567890", "12345678901234567891")],
)  # fmt: skip
def test_whole_numbers_that_float64_makes_one_are_read_as_texts(here, csv_file, tmp_path, one, other, ending):
    cells = [one, other] * 3
    path = csv_file(
        "a,b,y\n" + "".join(f"{cell},{i // 2},{'no' if cell == one else 'yes'}\n" for i, cell in enumerate(cells))
    )
    if ending == ".jsonl":
        path = tmp_path / "t.jsonl"
        rows = (f'{{"a":{cell},"b":{i // 2},"y":"{"no" if cell == one else "yes"}"}}' for i, cell in enumerate(cells))
        path.write_text("\n".join(rows))
    elif ending:
        pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
        kind = pa.int64() if len(one) < 20 else pa.uint64()
        columns = {"a": pa.array(map(int, cells), kind), "b": [0, 0, 1, 1, 2, 2], "y": ["no", "yes"] * 3}
        path = tmp_path / "t.parquet"
        pq.write_table(pa.table(columns), path)
    outcome = here("train", path, "--target", "y", "--model", "DecisionTreeClassifier", "-o", tmp_path / "m.fml")
    assert "'a': whole numbers too long for float64 to tell apart, read as texts" in outcome.out
    answer = here("predict", tmp_path / "m.fml", path)
    assert answer.out.splitlines()[1:] == ["no", "yes"] * 3
    answer = here("predict", tmp_path / "m.fml", csv_file(f"a,b\n{other},1\n", "new.csv"))
    assert answer.out.splitlines()[1:] == ["yes"]


def test_long_whole_numbers_that_float64_tells_apart_stay_numbers(csv_file):
    path = csv_file("a,y\n1609459200000000000,1\n1609459200000100000,2\n1e30,3\n1000000000000000000000000000000,4\n")
    assert read_table(path).columns[0].texts is None


@pytest.mark.parametrize(
    ("text", "words"),
    [("v;y\n999;a\n1.500;b\n20;a\n", "1.500 is read as 1.5,"), ("v;y\n999;a\n1,500;b\n20;a\n", "1,500 is read as 1.5,"),
     ('v,y\n999,a\n"1,500",b\n20,a\n', "1,500 is read as 1500,")],
)  # fmt: skip
def test_a_doubt_between_decimals_and_thousands_is_told(csv_file, text, words):
    told = [column.words for column in read_table(csv_file(text)).columns]
    assert words in told[0]
    sure = text.replace("20", "20,5" if ";" in text else "20.5")
    assert not any("no column tells" in column.words for column in read_table(csv_file(sure)).columns)


def test_spans_of_time_and_infinity_in_typed_files(here, tmp_path):
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    minutes = [90, -30, 60 * 30, 0]
    spans = pa.array([int(m * 60e9) for m in minutes], pa.duration("ns"))
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"d": spans, "y": ["a", "b", "c", "d"]}), path)
    assert read_table(path).columns[0].values.tolist() == [60.0 * m for m in minutes]
    pq.write_table(pa.table({"d": [1.0, np.inf, 2.0], "y": ["a", "b", "b"]}), path)
    outcome = here("train", path, "--target", "y", "--model", "DecisionTreeClassifier", "-o", tmp_path / "m.fml")
    assert outcome.code == 2
    assert "column 'd' is infinite in row 2: leave the cell empty" in outcome.err
