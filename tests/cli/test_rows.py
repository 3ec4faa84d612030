"""What stands among the rows of a table and is none: headers of several rows, empty rows, notes below."""

import sys

import pytest

from fastml.cli.reading import parsing
from fastml.cli.tables import read_table
from fastml.cli.terminal import InputError

N = 12


@pytest.fixture(params=["libraries", "plain"], autouse=True)
def installed(request, monkeypatch):
    if request.param == "plain":
        monkeypatch.setitem(sys.modules, "pyarrow", None)
    else:
        pytest.importorskip("pyarrow")


def lines(f, n=N):
    return "".join(map(f, range(n)))


def plain(i):
    return f"{i}.5,{'xyz'[i % 3]},{'ab'[i % 2]}\n"


def found(path, **options):
    table = read_table(path, **options)
    numbers, texts = table.columns[0], table.columns[1]
    return numbers.values.tolist(), [texts.texts[int(v)] for v in texts.values], table.notes


MEANT = [i + 0.5 for i in range(N)], ["xyz"[i % 3] for i in range(N)]
KINDS = {
    "units": ("t,u,y\n[s],[m],[-]\n" + lines(plain), "skipped below the header: 1 line ('[s]', '[m]', '[-]')"),
    "questions": ("t,u,y\nHow long?,Which?,Group\n" + lines(plain), "skipped below the header: 1 line"),
    "questions and codes": (
        't,u,y\nHow long?,Which?,Group\n"{""I"":""Q1""}","{""I"":""Q2""}","{""I"":""Q3""}"\n' + lines(plain),
        "skipped below the header: 2 lines",
    ),
    "empty rows": ("t,u,y\n,,\n" + lines(plain) + ",,\n,,\n", "left out: 3 empty rows"),
    "a header again": (
        "t,u,y\n" + lines(lambda i: plain(i) + "t,u,y\n" * (i == 4)),
        "left out: 1 row that repeats the header",
    ),
    "notes below": (
        "t,u,y\n" + lines(plain) + "\nSource: the office\nas of 2025\n",
        "left out below the table: 2 lines",
    ),
    "the end of a file of DOS": ("t,u,y\r\n" + lines(plain).replace("\n", "\r\n") + "\x1a", "left out below"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_no_row(csv_file, kind):
    text, told = KINDS[kind]
    numbers, texts, notes = found(csv_file(text))
    assert (numbers, texts) == MEANT
    assert any(note.startswith(told) for note in notes), notes


@pytest.mark.parametrize(
    "first", ["unknown,x,a", "?,new,a", "-,new,new", "7.5,new,new", "much,x,new", "much,,", "NA,new,new"]
)
def test_a_first_row_that_is_one(csv_file, first):
    """It has a number, a text that stands in its column again, or nothing but gaps where numbers are."""
    table = read_table(csv_file("t,u,y\n" + first + "\n" + lines(plain)))
    assert table.total == N + 1
    assert not any("below" in note for note in table.notes)


def test_only_texts(csv_file):
    table = read_table(csv_file("t,u\n" + lines(lambda i: f"word {i},other {i}\n")))
    assert table.total == N


def test_rows_in_several_blocks_and_passes(csv_file, monkeypatch):
    """A column that turns out to be texts is read again, without the same rows."""
    monkeypatch.setattr(parsing, "BYTES", 2**12)
    monkeypatch.setattr(parsing, "BLOCK", 100)
    text = lines(lambda i: ",,\n" * (i % 700 == 3) + f"{i if i < 2990 else 'x'},{i},{i % 2}\n", 3000)
    table = read_table(csv_file("a,b,y\n" + text + "a,b,y\n"))
    assert table.total == 3000
    assert table.columns[1].values.tolist() == list(range(3000))
    assert [table.columns[0].texts[int(v)] for v in table.columns[0].values[-11:-9]] == ["2989", "x"]
    assert table.notes == ["left out: 5 empty rows", "left out: 1 row that repeats the header"]


def test_each_row_of_a_new_file_is_answered(here, csv_file, tmp_path):
    if sys.modules.get("pyarrow", 0) is None:
        pytest.skip("scikit-learn looks there too")
    csv_file("t,u,y\n" + lines(plain) + ",,\n", "t.csv")
    outcome = here(
        "train", tmp_path / "t.csv", "--target", "y", "--model", "DecisionTreeClassifier", "-o", tmp_path / "m"
    )
    assert "left out: 1 empty row" in outcome.out
    answer = here("predict", tmp_path / "m", csv_file("t,u\n1.5,x\n,\n2.5,y\n", "n.csv"))
    assert len(answer.out.split()) == 1 + 3


@pytest.mark.parametrize(
    "text", ["t,u,y\n" + lines(plain, 6) + "1,2\n" + lines(plain, 6), "t,u,y\n" + lines(plain) + "1,2\n"]
)
def test_a_short_row_is_still_a_mistake(csv_file, text):
    with pytest.raises(InputError, match="has 2 cells where the header has 3"):
        read_table(csv_file(text))
