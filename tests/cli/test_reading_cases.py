"""Tables as people have them: the bytes of a file, and what was meant. Reading gives exactly that."""

import bz2
import datetime
import gzip
import io
import lzma
import pickle
import sys
import zipfile

import numpy as np
import pytest

from fastml.cli.tables import read_table
from fastml.cli.terminal import InputError

N = None  # a missing cell


def day(*when):
    return (datetime.datetime(*when) - datetime.datetime(1970, 1, 1)).total_seconds()


def packed_zip(data, name="t.csv"):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(name, data)
    return buffer.getvalue()


PLAIN = "a,t\n1,x\n2.5,y\n"
MEANT = {"a": [1, 2.5], "t": ["x", "y"]}
# (file, {column: its cells: numbers, texts, None where missing})
DIALECTS = {
    "commas": (PLAIN, MEANT),
    "semicolons": (PLAIN.replace(",", ";"), MEANT),
    "tabs": (PLAIN.replace(",", "\t"), MEANT),
    "bars": (PLAIN.replace(",", "|"), MEANT),
    "blanks": ("a   t\n1   x\n2.5 y\n", MEANT),
    "aligned to the right": ("    a   t\n    1   x\n  2.5   y\n", MEANT),
    "blanks and tabs": ("a \t t\n1\tx\n2.5  y\n", MEANT),
    "blanks at the ends of cells": ("a , t\n1 , x\n 2.5,y \n", MEANT),
    "windows line ends": (PLAIN.replace("\n", "\r\n"), MEANT),
    "old Mac line ends": (PLAIN.replace("\n", "\r"), MEANT),
    "no last line end": (PLAIN.rstrip(), MEANT),
    "empty lines": ("a,t\n\n1,x\n\n\n2.5,y\n\n", MEANT),
    "empty lines first": ("\n\n" + PLAIN, MEANT),
    "sep line": ("sep=;\na;t\n1;x\n2.5;y\n", MEANT),
    "sep line in quotes": ('"sep=,"\n' + PLAIN, MEANT),
    "sep line of a tab": ("sep=\t\na\tt\n1\tx\n2.5\ty\n", MEANT),
    "title above": ("Sales of the year\n" + PLAIN, MEANT),
    "titles with separators above": ("Sales,\nfrom 2023 on,\n,\na,t,u\n1,x,3\n2.5,y,4\n", {**MEANT, "u": [3, 4]}),
    "comments above": ("# made by hand\n# in a hurry\n" + PLAIN, MEANT),
    "comments with separators above": ("# one, two\n" + PLAIN, MEANT),
    "commented header": ("#a,t\n1,2\n2.5,3\n", {"a": [1, 2.5], "t": [2, 3]}),
    "trailing separators": ("a,t,\n1,x,\n2.5,y,\n", {**MEANT, "column 3": [N, N]}),
    "trailing separators below the header": ("a,t\n1,x,\n2.5,y,\n", MEANT),
    "quotes": ('"a","t"\n"1","x"\n"2.5","y"\n', MEANT),
    "quotes behind blanks": ('a, t\n1, "x, z"\n2.5, "y"\n', {"a": [1, 2.5], "t": ["x, z", "y"]}),
    "separators in quotes": ('a,t\n1,"x,y;z"\n2.5,y\n', {"a": [1, 2.5], "t": ["x,y;z", "y"]}),
    "lines in quotes": ('a,t\n1,"x\ny"\n2.5,"\n"\n', {"a": [1, 2.5], "t": ["x\ny", N]}),
    "windows lines in quotes": ('a,t\r\n1,"x\r\ny"\r\n2.5,z\r\n', {"a": [1, 2.5], "t": ["x\r\ny", "z"]}),
    "doubled quotes": ('a,t\n1,"say ""x"""\n2.5,y\n', {"a": [1, 2.5], "t": ['say "x"', "y"]}),
    "single quotes": ("'a','t'\n1,'x, z'\n2.5,'y'\n", {"a": [1, 2.5], "t": ["x, z", "y"]}),
    "single quotes doubled": ("a;t\n'1';'it''s'\n'2.5';'y'\n", {"a": [1, 2.5], "t": ["it's", "y"]}),
    "single quotes escaped": ("a,t\n'1','it\\'s'\n'2.5','y'\n", {"a": [1, 2.5], "t": ["it's", "y"]}),
    "lines in single quotes": ("'a','t'\n1,'x\nz'\n2.5,'y'\n", {"a": [1, 2.5], "t": ["x\nz", "y"]}),
    "apostrophes": ("a,t\n1,'tis\n2.5,'twas\n", {"a": [1, 2.5], "t": ["'tis", "'twas"]}),
    "single within double quotes": ("a,t\n1,\"'x', 'y'\"\n2.5,\"'z'\"\n", {"a": [1, 2.5], "t": ["'x', 'y'", "'z'"]}),
    "lists in a column": ("a;t\n1;['x', 'y', 'z']\n2.5;['x', 'y', 'z']\n3;[]\n",
        {"a": [1, 2.5, 3], "t": ["['x', 'y', 'z']", "['x', 'y', 'z']", "[]"]}),
    "Weka's ARFF": (
        "% by hand\n@relation r\n\n@attribute 'a b' real\n@ATTRIBUTE t {x, 'y, z'}\n"
        "@data\n1, x\n2.5, 'y, z'\n?,x\n",
        {"a b": [1, 2.5, N], "t": ["x", "y, z", "x"]}),
    "escaped quotes": ('a,t\n1,"say \\"x\\""\n2.5,y\n', {"a": [1, 2.5], "t": ['say "x"', "y"]}),
    "header over two lines": ('"a\n(kg)",t\n1,x\n2.5,y\n', {"a\n(kg)": [1, 2.5], "t": ["x", "y"]}),
    "a cell of a megabyte": ("a,t\n1," + "x" * 2**20 + "\n2.5,y\n", {"a": [1, 2.5], "t": ["x" * 2**20, "y"]}),
    "a name twice": ("a,t,a\n1,x,3\n2.5,y,4\n", {**MEANT, "a (2)": [3, 4]}),
    "a name missing": ("a,,t\n1,3,x\n2.5,4,y\n", {"a": [1, 2.5], "column 2": [3, 4], "t": ["x", "y"]}),
    "carets": (PLAIN.replace(",", "^"), MEANT),
    "commas in a table of semicolons": ("a;t\n1,5;x, z\n2,5;y\n", {"a": [1.5, 2.5], "t": ["x, z", "y"]}),
}  # fmt: skip
CODED = {
    "utf-8 with a mark": ("\ufeff" + PLAIN.replace("x", "é")).encode(),
    "utf-16": PLAIN.replace("x", "é").encode("utf-16"),
    "utf-16 little without mark": PLAIN.replace("x", "é").encode("utf-16-le"),
    "utf-16 big without mark": PLAIN.replace("x", "é").encode("utf-16-be"),
    "utf-32": PLAIN.replace("x", "é").encode("utf-32"),
    "latin-1": PLAIN.replace("x", "é").encode("latin-1"),
    "windows": PLAIN.replace("x", "é").encode("cp1252"),
    "gzip": gzip.compress(PLAIN.replace("x", "é").encode()),
    "bzip2": bz2.compress(PLAIN.replace("x", "é").encode()),
    "xz": lzma.compress(PLAIN.replace("x", "é").encode()),
    "zip": packed_zip(PLAIN.replace("x", "é")),
    "zip of latin-1": packed_zip(PLAIN.replace("x", "é").encode("latin-1")),
    "gzip of utf-16": gzip.compress(PLAIN.replace("x", "é").encode("utf-16")),
}
# (cells of one column, what they mean): written with semicolons, beside a column of decimal points
CELLS = {
    "whole": (["1", "2", "-3"], [1, 2, -3]),
    "signs": (["+1", "-2", "−3"], [1, -2, -3]),
    "exponents": (["1e3", "2.5E-2", "7"], [1000, 0.025, 7]),
    "point first": ([".5", "-.25", "1."], [0.5, -0.25, 1]),
    "thousands by commas": (["1,234.5", "12", "1,000,000"], [1234.5, 12, 1e6]),
    "thousands by blanks": (["1 234.5", "12", "1 000 000"], [1234.5, 12, 1e6]),
    "thousands by narrow blanks": (["1\u202f234.5", "12", "1\u00a0000"], [1234.5, 12, 1000]),
    "thousands by apostrophes": (["1'234.5", "12", "1’000"], [1234.5, 12, 1000]),
    "dollars": (["$1,234.50", "$5", "-$2.5"], [1234.5, 5, -2.5]),
    "euros behind": (["12.5 €", "3€", "0.5 €"], [12.5, 3, 0.5]),
    "currency in letters": (["EUR 12.5", "EUR 3", "4"], [12.5, 3, 4]),
    "currency in letters behind": (["12.5 kr", "3 kr", "4 kr"], [12.5, 3, 4]),
    "accountants' brackets": (["(5.5)", "2.5", "3"], [-5.5, 2.5, 3]),
    "per cent": (["12.5%", "3 %", "-4%"], [12.5, 3, -4]),
    "per cent of some only": (["12.5%", "3", "4"], ["12.5%", "3", "4"]),
    "empty": (["1", "", "2"], [1, N, 2]),
    "NA with blanks": (["1", " NA ", "2"], [1, N, 2]),
    "n/a": (["1", "n/a", "2"], [1, N, 2]),
    "NULL": (["x", "NULL", "y"], ["x", N, "y"]),
    "<NA>": (["x", "<NA>", "y"], ["x", N, "y"]),
    "#N/A": (["x", "#N/A", "y"], ["x", N, "y"]),
    "errors of Excel": (["1", "#DIV/0!", "#REF!"], [1, N, N]),
    "errors of Excel in German": (["1", "#WERT!", "#NV"], [1, N, N]),
    "MySQL's NULL": (["x", "\\N", "y"], ["x", N, "y"]),
    "words for missing in numbers": (["1", "unknown", "k.A.", "n.a.", ".."], [1, N, N, N, N]),
    "words for missing in texts": (["x", "unknown", "y"], ["x", "unknown", "y"]),
    "minus behind": (["12.5-", "3", "1,234.5-"], [-12.5, 3, -1234.5]),
    "Indian thousands": (["1,00,000", "12,34,567.5", "5"], [100000, 1234567.5, 5]),
    "1.#IND": (["1", "1.#IND", "2"], [1, N, 2]),
    "dash": (["1", "-", "2"], [1, N, 2]),
    "long dash": (["1", "—", "2"], [1, N, 2]),
    "two dashes": (["1", "--", "2"], [1, N, 2]),
    "None in numbers": (["1", "None", "2"], [1, N, 2]),
    "NaT": (["2024-01-02", "NaT", "2024-01-03"], [day(2024, 1, 2), N, day(2024, 1, 3)]),
    "a dash in dates": (["2024-01-02", "-", "2024-01-03"], [day(2024, 1, 2), N, day(2024, 1, 3)]),
    "true and false": (["true", "False", "TRUE"], [1, 0, 1]),
    "yes and no": (["yes", "No", "yes"], [1, 0, 1]),
    "ja and nein": (["ja", "nein", "ja"], [1, 0, 1]),
    "y and n": (["Y", "N", "Y"], [1, 0, 1]),
    "truth with gaps": (["true", "", "false"], [1, N, 0]),
    "truth with a dash": (["yes", "-", "no"], [1, N, 0]),
    "yes, no and perhaps": (["yes", "no", "perhaps"], ["yes", "no", "perhaps"]),
    "post codes": (["01234", "98765", "00001"], ["01234", "98765", "00001"]),
    "zeros": (["0", "0.5", "0"], [0, 0.5, 0]),
    "underscores": (["1_000", "2_000", "3"], ["1_000", "2_000", "3"]),
    "hexadecimal": (["0x1F", "0x20", "0x21"], ["0x1F", "0x20", "0x21"]),
    "versions": (["1.2.3", "1.10.0", "2.0.1"], ["1.2.3", "1.10.0", "2.0.1"]),
    "telephones": (["+49 30 1234", "030 5678", "+1 555"], ["+49 30 1234", "030 5678", "+1 555"]),
    "words and numbers": (["1", "two", "3"], ["1", "two", "3"]),
    "ISO dates": (["2024-01-02", "2023-12-31", "2024-02-29"], [day(2024, 1, 2), day(2023, 12, 31), day(2024, 2, 29)]),
    "ISO with a time": (["2024-01-02T03:04:05", "2024-01-02 06:00"], [day(2024, 1, 2, 3, 4, 5), day(2024, 1, 2, 6)]),
    "ISO with a zone": (["2024-01-02T03:00:00Z", "2024-01-02T03:00:00+02:00"],
                         [day(2024, 1, 2, 3), day(2024, 1, 2, 1)]),
    "fractions of seconds": (["2024-01-02 03:04:05.5", "2024-01-02 03:04:06.25"],
                             [day(2024, 1, 2, 3, 4, 5) + 0.5, day(2024, 1, 2, 3, 4, 6) + 0.25]),
    "slashes from the year": (["2024/01/02", "2024/12/31"], [day(2024, 1, 2), day(2024, 12, 31)]),
    "German dates": (["31.12.2023", "1.2.2024"], [day(2023, 12, 31), day(2024, 2, 1)]),
    "German dates, short": (["31.12.23", "01.02.24"], [day(2023, 12, 31), day(2024, 2, 1)]),
    "American dates": (["12/31/2023", "2/1/2024"], [day(2023, 12, 31), day(2024, 2, 1)]),
    "British dates": (["31/12/2023", "1/2/2024"], [day(2023, 12, 31), day(2024, 2, 1)]),
    "American with a half day": (["12/31/2023 1:05 PM", "2/1/2024 12:00 AM"],
                                 [day(2023, 12, 31, 13, 5), day(2024, 2, 1)]),
    "months in letters": (["2 Jan 2024", "31 December 2023"], [day(2024, 1, 2), day(2023, 12, 31)]),
    "months in letters, dashes": (["02-Jan-2024", "31-Dec-23"], [day(2024, 1, 2), day(2023, 12, 31)]),
    "months first": (["Jan 2, 2024", "December 31, 2023"], [day(2024, 1, 2), day(2023, 12, 31)]),
    "months in German": (["2. März 2024", "31. Dezember 2023"], [day(2024, 3, 2), day(2023, 12, 31)]),
    "months": (["2024-01", "2023-12"], [day(2024, 1, 1), day(2023, 12, 1)]),
    "dates as whole numbers": (["20240102", "20231231", "20240229"],
                               [day(2024, 1, 2), day(2023, 12, 31), day(2024, 2, 29)]),
    "numbers that are no dates": (["20240102", "20231331", "20240229"], [20240102, 20231331, 20240229]),
    "times": (["03:04", "23:59:30", "0:00"], [3 * 3600 + 240, 86370, 0]),
    "times by halves": (["3:04 am", "11:59 PM", "12:00 PM"], [3 * 3600 + 240, 86340, 43200]),
    "24 o'clock": (["24:00", "00:15"], [86400, 900]),
    "24 o'clock of a day": (["31.12.2025 24:00", "31.12.2025 00:00"], [day(2026, 1, 1), day(2025, 12, 31)]),
    "no such time": (["24:01", "00:15"], [86460, 900]),
    "durations": (["117:30:00", "0:00:10"], [117 * 3600 + 1800, 10]),
    "month and year": (["Jan 2024", "Dez 2023"], [day(2024, 1, 1), day(2023, 12, 1)]),
    "month by year": (["01/2024", "12/2023"], [day(2024, 1, 1), day(2023, 12, 1)]),
    "quarters": (["2024-Q1", "2023-Q4"], [day(2024, 1, 1), day(2023, 10, 1)]),
    "quarters first": (["Q1 2024", "Q4/2023"], [day(2024, 1, 1), day(2023, 10, 1)]),
    "no such day": (["2024-02-30", "2024-01-01"], ["2024-02-30", "2024-01-01"]),
    "a date among words": (["2024-01-01", "soon"], ["2024-01-01", "soon"]),
}  # fmt: skip
# whole files with ";" between cells and commas in decimals
COMMAS = {
    "decimal commas": (["0,5", "1,25"], [0.5, 1.25]),
    "thousands by points": (["999", "1.500"], [999, 1500]),
    "both": (["1.234,5", "2"], [1234.5, 2]),
    "millions": (["1.000.000", "2"], [1e6, 2]),
    "blanks between": (["1 234,5", "2"], [1234.5, 2]),
    "euros": (["1.234,50 €", "2,00 €"], [1234.5, 2]),
    "per cent": (["12,5 %", "3 %"], [12.5, 3]),
    "a dash": (["0,5", "–"], [0.5, N]),
    "German days": (["03.02.2024", "04.02.2024"], [day(2024, 2, 3), day(2024, 2, 4)]),
    "European days": (["03/02/2024", "04/02/2024"], [day(2024, 2, 3), day(2024, 2, 4)]),
    "points that part decimals": (["1.5", "2.25"], [1.5, 2.25]),
    "texts with points": (["a.b", "c,d"], ["a.b", "c,d"]),
}  # fmt: skip


def cells(column):
    if column.texts is None:
        return [N if np.isnan(v) else v for v in column.values.tolist()]
    return [N if np.isnan(v) else column.texts[int(v)] for v in column.values]


def read(tmp_path, data, name="t.csv", **options):
    path = tmp_path / name
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return {column.name: cells(column) for column in read_table(path, **options).columns}


@pytest.fixture(params=["libraries", "plain"])
def installed(request, monkeypatch):
    """With the libraries of the extra, and without."""
    if request.param == "plain":
        for name in ("pyarrow", "chardet", "openpyxl"):
            monkeypatch.setitem(sys.modules, name, None)
    else:
        pytest.importorskip("pyarrow")


@pytest.mark.parametrize("case", DIALECTS)
def test_dialects(tmp_path, case, installed):
    data, meant = DIALECTS[case]
    assert read(tmp_path, data) == meant


@pytest.mark.parametrize("case", CODED)
def test_encodings_and_packing(tmp_path, case, installed):
    assert read(tmp_path, CODED[case]) == {"a": [1, 2.5], "t": ["é", "y"]}


@pytest.mark.parametrize("case", CELLS)
def test_cells(tmp_path, case, installed):
    given, meant = CELLS[case]
    table = "p;v\n" + "".join(f"{i}.25;{cell}\n" for i, cell in enumerate(given))
    assert read(tmp_path, table) == {"p": [i + 0.25 for i in range(len(given))], "v": meant}


@pytest.mark.parametrize("case", COMMAS)
def test_decimal_commas(tmp_path, case, installed):
    given, meant = COMMAS[case]
    table = "p;v\n" + "".join(f"{i},25;{cell}\n" for i, cell in enumerate(given))
    assert read(tmp_path, table) == {"p": [i + 0.25 for i in range(len(given))], "v": meant}


@pytest.mark.parametrize("mark", ["", "NA", "nan", "-", "x"])
@pytest.mark.parametrize("size", [3, 70_000])
def test_a_column_that_changes_late(tmp_path, mark, size, installed):
    """After some blocks of numbers comes another kind of cell."""
    table = "a,b\n" + "".join(f"{i}.5,{i}\n" for i in range(size)) + f"{mark},1\n"
    found = read(tmp_path, table)["a"]
    assert found[:2] == ([0.5, 1.5] if mark != "x" else ["0.5", "1.5"])
    assert found[-1] == (mark if mark == "x" else N)


def frame():
    return {"whole": [1, 2, 2**60], "part": [0.5, None, 2.5], "word": ["x", None, "007"], "flag": [True, False, None],
            "when": [datetime.datetime(2024, 1, 2, 3), None, datetime.datetime(2024, 1, 2)]}  # fmt: skip


FRAME = {"whole": [1, 2, 2**60], "part": [0.5, N, 2.5], "word": ["x", N, "007"], "flag": [1, 0, N],
         "when": [day(2024, 1, 2, 3), N, day(2024, 1, 2)]}  # fmt: skip


@pytest.mark.parametrize("kind", ["parquet", "feather", "arrow", "xlsx", "jsonl", "jsonl.zst", "json"])
def test_files_that_are_no_text(tmp_path, kind):
    pyarrow = pytest.importorskip("pyarrow")
    path, table = tmp_path / f"t.{kind}", pyarrow.table(frame())
    if kind == "parquet":
        import pyarrow.parquet

        pyarrow.parquet.write_table(table, path)
    elif kind in ("feather", "arrow"):
        import pyarrow.feather

        pyarrow.feather.write_feather(table, path)
    elif kind == "xlsx":
        openpyxl = pytest.importorskip("openpyxl")
        book = openpyxl.Workbook()
        book.active.append(["a title"])
        book.active.append(list(FRAME))
        for row in table.to_pylist():
            book.active.append(list(row.values()))
        book.save(path)
    else:
        import json

        lines = [json.dumps(row, default=str) for row in table.to_pylist()]
        data = ("[" + ",\n".join(lines) + "]" if kind == "json" else "\n".join(lines)).encode()
        path.write_bytes(pyarrow.compress(data, "zstd", asbytes=True) if kind.endswith("zst") else data)
    assert {column.name: cells(column) for column in read_table(path).columns} == FRAME


def trained(here, tmp_path, table):
    (tmp_path / "t.csv").write_text(table)
    model = ("--model", "DecisionTreeClassifier", "-o", tmp_path / "m.fml")
    outcome = here("train", tmp_path / "t.csv", "--target", "y", *model)
    assert outcome.code == 0, outcome.err
    return outcome


def asked(here, tmp_path, table):
    (tmp_path / "n.csv").write_text(table)
    return here("predict", tmp_path / "m.fml", tmp_path / "n.csv")


EVENTS = "when,sold,colour,price,y\n" + "".join(
    f"{i % 28 + 1}/{i % 12 + 1}/2023 {i % 24}:00,{('yes', 'no')[i % 2]},{('red', 'blue')[i % 3 > 1]},"
    f"${i * i % 17}.5,{('early', 'late')[i % 24 >= 12]}\n"
    for i in range(48)
)


@pytest.mark.parametrize(
    ("table", "meant", "told"),
    [
        ("when,sold,colour,price\n1/2/2023 9:00,yes,red,$1.5\n30/1/2023 20:00,no,blue,2\n", ["early", "late"], ""),
        ("price;more;colour;sold;when\n1,5;x;red;1;1/2/2023 21:00\n", ["late"], "not used: column 'more'"),
        ("when,sold,colour,price\n", [], ""),
        ("when,sold,colour,price\n2/2/2023 1:00,,violet,\n", ["early"], "1 text that the training table does not have"),
        ("when,sold,price\n1/2/2023 9:00,yes,1.5\n", None, "no column 'colour', which the model was trained on"),
        (
            "when,sold,colour,price\n1/2/2023,yes,red,dear\n",
            None,
            "holds 'dear' in row 1: the model was trained on",
        ),
        ("when,sold,colour,price\nsoon,yes,red,1\n", None, "holds 'soon' in row 1: the model was trained on dates"),
        ("when,sold,colour,price\n1/2/2023,maybe,red,1\n", None, "holds 'maybe' in row 1: the model was trained on no"),
    ],
)
def test_new_tables(here, tmp_path, table, meant, told):
    outcome = trained(here, tmp_path, EVENTS)
    assert "'when': dates, read as day.month.year; learnt from as year, month, weekday, hour" in outcome.out
    assert "'sold': yes is 1, no is 0" in outcome.out
    assert "'price': numbers without their $" in outcome.out
    answer = asked(here, tmp_path, table)
    if meant is None:
        assert told in answer.complaint
    else:
        assert answer.code == 0, answer.err
        assert answer.out.split()[1:] == meant
        assert told in answer.err


def test_columns_that_say_nothing_are_left_out(here, tmp_path):
    rows = "".join(f"{i},{i % 7},7,,{i % 7},{i * 37 % 1009 + 1000},{'ab'[i % 2]}\n" for i in range(40))
    out = trained(here, tmp_path, "n,a,constant,empty,b,customer_id,y\n" + rows).out
    for sentence in ("'n', which counts the rows", "'constant', the same in every row", "'empty', missing in every row",
                     "'b', the same as 'a' in every row", "'customer_id', an identifier"):  # fmt: skip
        assert f"left out: {sentence}" in out


def test_utf_16_of_other_letters_without_mark(tmp_path):
    """The high bytes of Cyrillic letters are not zero, those of what stands between them are."""
    table = "возраст;город;y\n" + "".join(f"{i % 7};{('Москва', 'Казань')[i % 2]};{i}\n" for i in range(9))
    found = read(tmp_path, table.encode("utf-16-be"))
    assert found["город"][:2] == ["Москва", "Казань"]


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"<html><table><tr><td>a</td></tr></table>", "is a page of HTML or XML"),
        (b"%PDF-1.4 \xe2\xe3", "is a PDF"),
        (
            b"-- by hand\n\nSET x = 1;\nCREATE TABLE `t` (a int);\nINSERT INTO `t` VALUES (1,'x'),(2,'y');\n",
            "a dump of SQL",
        ),
        (b"INSERT INTO t VALUES (1,'x');\nINSERT INTO t VALUES (2,'y');\n", "a dump of SQL"),
        (b"SQLite format 3\0" + bytes(99), "an SQLite database"),
        (b"$FL2@(#) IBM SPSS", "a data set of SPSS"),
        (b"<stata_dta><header>", "a data set of Stata"),
        (pickle.dumps({"a": [1, 2]}), "a pickle"),
        (b"\x93NUMPY\1\0", "an array of NumPy"),
        (b"@relation r\n@attribute a real\n@data\n{0 1.5}\n", "a sparse ARFF file"),
        (b"@relation r\n@attribute a real\n", "without a line @data"),
        ("\ufeff".encode(), "is empty"),
        (b"a,b\n1,2\n\0\0\0\0\0\0\0\0\0\0", "holds NUL bytes"),
        (b"a,b\n1\0,2\n", "holds NUL bytes"),
    ],
)
def test_what_is_no_table_is_named(tmp_path, data, sentence):
    with pytest.raises(InputError, match=sentence):
        read(tmp_path, data)


@pytest.mark.parametrize("separator", [",", ";", "  ", "^", "|"])
def test_a_new_file_is_cut_as_the_one_learnt_from(here, tmp_path, separator):
    table = "a,t,y\n" + "".join(f"{i % 7}.5,{'xz'[i % 2]},{'pq'[i % 7 > 3]}\n" for i in range(20))
    trained(here, tmp_path, table.replace(",", separator))
    answer = asked(here, tmp_path, "t,a\nx,1.5\nz,6.5\n".replace(",", separator))
    assert answer.out.split() == ["y", "p", "q"], answer.err


def test_a_model_that_refuses_a_table_is_no_failure(here, tmp_path):
    (tmp_path / "t.csv").write_text("a,b,c,y\n" + "".join(f"{i % 5},{i % 5},{i},{'pq'[i % 2]}\n" for i in range(12)))
    outcome = here("compare", tmp_path / "t.csv", "--target", "y", "--folds", "3")
    assert outcome.code == 0, outcome.out
    assert "failed" not in outcome.out


PAGES = {
    "French": ("garçon élève forêt Noël naïve hôtel où déjà père chêne goût août ça Éric", "cp1252"),
    "German": ("Größe Straße Müller Jäger Köln über schön weiß Übung Ärger Öl süß", "cp1252"),
    "Spanish": ("niño año mañana España corazón ñandú pingüino después número día", "cp1252"),
    "Portuguese": ("coração não irmã São informação você três avô avó maçã ônibus", "cp1252"),
    "Swedish": ("Malmö Göteborg Åre Västerås Örebro Linköping Umeå Luleå Gävle blå", "cp1252"),
    "Italian": ("città perché più università è caffè lunedì martedì già però così virtù", "cp1252"),
    "Polish": ("Łódź Kraków Gdańsk Wrocław Poznań żółty święto ćma ręka mąka gęś", "cp1250"),
    "Czech": ("Plzeň Žižkov příliš žluťoučký kůň úpěl ďábelské Děčín Řím Šumava", "cp1250"),
    "Hungarian": ("árvíztűrő tükörfúrógép Győr Székesfehérvár szőlő műszer", "cp1250"),
    "Russian": ("Москва Казань маленький да нет улица", "cp1251"),
    "Russian in KOI8": ("Москва Казань маленький да нет улица", "koi8_r"),
    "Greek": ("Αθήνα Θεσσαλονίκη Πάτρα ναι όχι", "cp1253"),
    "Turkish": ("İstanbul Ağrı Şırnak ığdır çiçek müdür güneş", "cp1254"),
    "Arabic": ("القاهرة نعم لا مدينة", "cp1256"),
    "German on a Mac": ("Größe Straße Müller über schön weiß", "mac_roman"),
    "German under DOS": ("Größe Straße Müller über schön weiß", "cp850"),
    "a few Russian words": ("да нет опыт", "cp1251"),
    "a few German words": ("Köln", "cp1252"),
}


@pytest.mark.parametrize("language", PAGES)
@pytest.mark.parametrize("times", [1, 6])
def test_code_pages(tmp_path, language, times):
    words, page = PAGES[language]
    if page == "mac_roman" and times == 1:
        words += " für König Schlüssel Tür Fuß"
    table = "n;word\n" + "".join(f"{i};{word}\n" for i, word in enumerate(words.split() * times))
    assert read(tmp_path, table.encode(page))["word"] == words.split() * times


@pytest.mark.parametrize(
    ("words", "encoding"),
    [
        ("年齢 性別 男性 女性 はい いいえ", "shift_jis"),
        ("年龄 性别 是的 北京 上海", "gbk"),
        ("서울 부산 나이 성별 아니오", "euc_kr"),
    ],
)
def test_east_asia(tmp_path, words, encoding):
    pytest.importorskip("chardet")
    table = "n;word\n" + "".join(f"{i};{word}\n" for i, word in enumerate(words.split() * 8))
    assert read(tmp_path, table.encode(encoding))["word"] == words.split() * 8


LISTS = {  # three rows of a list of people each, as offices have them
    "Hebrew": ("דוד כהן,תל אביב\nשרה לוי,ירושלים\nמשה מזרחי,חיפה", ("cp1255", "iso8859_8")),
    "Thai": ("สมชาย ใจดี,กรุงเทพ\nสมหญิง รักเรียน,เชียงใหม่\nประยุทธ์ มั่นคง,ขอนแก่น", ("cp874",)),
    "Polish": ("Łukasz Wójcik,Łódź\nMałgorzata Dąbrowska,Kraków\nŚwiętosława Źródło,Gdańsk", ("iso8859_2", "cp852")),
    "Turkish": ("Ayşe Yılmaz,İstanbul\nÇağla Şahin,Diyarbakır\nGülşen Koç,Muğla", ("cp1254", "cp857")),
    "Ukrainian": ("Андрій Шевченко,Київ\nОлена Їжакевич,Запоріжжя\nЄвген Ґалаґан,Львів", ("cp1251", "koi8_u")),
    "Russian": ("Иван Петров,Москва\nМария Сидорова,Казань\nПётр Щукин,Тверь", ("iso8859_5", "cp866", "mac_cyrillic")),
    "Portuguese": ("João Conceição,São Paulo\nInês Simões,Évora\nÂngela Magalhães,Brasília", ("cp1252", "cp850")),
    "Japanese": ("田中太郎,東京\n佐藤花子,大阪\n渡辺さくら,札幌", ("cp932", "euc_jp")),
    "Chinese": ("王小明,臺北\n李娜,高雄\n張偉,臺中", ("big5",)),
}


@pytest.mark.parametrize(("language", "page"), [(name, page) for name in LISTS for page in LISTS[name][1]])
def test_lists_of_people(tmp_path, language, page):
    pytest.importorskip("chardet")
    people = [line.split(",") for line in LISTS[language][0].split("\n")]
    table = "who,town,age\n" + "".join(f"{who},{town},{age}\n" for age, (who, town) in enumerate(people, 30))
    found = read(tmp_path, table.encode(page))
    assert [found["who"], found["town"]] == [list(column) for column in zip(*people, strict=True)]


def test_json_on_many_lines(tmp_path):
    assert read(tmp_path, '[\n  {"a": 1, "t": "x"},\n  {"a": 2.5, "t": "y"}\n]', "t.json") == MEANT


def test_a_quote_without_end_is_told(tmp_path):
    with pytest.raises(InputError, match="a quote is opened there, or later, and never closed"):
        read(tmp_path, 'a,t\n1,x\n2,"y\n3,z\n')
