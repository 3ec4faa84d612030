"""`fastml compare` on tables that cannot be used: one sentence that names the trouble and the cure, exit code 2."""

import gzip

import pytest

GOOD = "size,colour,kind\n" + "".join(f"{i % 7},{'red' if i % 3 else 'blue'},{'ab'[i % 2]}\n" for i in range(20))


def test_no_such_file_names_a_near_one(fastml, csv_file):
    path = csv_file(GOOD)
    assert "did you mean 'table.csv'?" in fastml("compare", path.with_name("tabel.csv"), "--target", "kind").complaint


def test_no_such_folder(fastml, tmp_path):
    assert "there is no folder" in fastml("compare", tmp_path / "no" / "x.csv", "--target", "kind").complaint


def test_folder_instead_of_file(fastml, tmp_path):
    assert "is a folder" in fastml("compare", tmp_path, "--target", "kind").complaint


def test_without_target(fastml, csv_file):
    outcome = fastml("compare", csv_file(GOOD))
    assert outcome.code == 2
    assert "--target" in outcome.err


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        pytest.param("", "is empty", id="empty"),
        pytest.param(" \n\n", "is empty", id="blank"),
        pytest.param("size,kind\n", "holds a header but no rows", id="header only"),
        pytest.param("kind\na\nb\n", "only one column", id="one column"),
        pytest.param("size,kind\n" + "1,a\n" * 9, "is 'a' in every row", id="one class"),
        pytest.param("size,kind\n" + "1,3\n" * 9, "is 3 in every row", id="constant number"),
        pytest.param("size,kind\n1,a\n2,\n3,b\n4,a\n5,?\n", "3 rows with a target, fewer than", id="few targets"),
        pytest.param("size,kind\n" + "1,\n2,?\n" * 9, "'kind' is missing in every row", id="no target"),
        pytest.param("size,kind\n1,a\n2,b\n3,a\n", "3 rows, fewer than the 5 folds: pass --folds 3", id="few rows"),
        pytest.param(
            "size,kind\n" + "".join(f"{i * i},k{i}\n" for i in range(9)),
            "9 different values in 9 rows",
            id="all different",
        ),
        pytest.param("size,kind\n1,a\n2,b,c\n" + "1,a\n" * 9, "row 2", id="a cell too many"),
        pytest.param("size,kind\n" + "7,a\n7,b\n" * 9, "no column of", id="only constant columns"),
        pytest.param("size,kind\n" + "1,a\ninf,b\n" * 9, "'size' is infinite in row 2", id="infinite"),
        pytest.param("1,2\n3,4\n5,6\n" * 5, "its first row holds only numbers", id="no header"),
        pytest.param('size,kind\n1,"a\n2,b\n', "cannot be read as a table", id="open quote"),
        pytest.param(b"PK\x03\x04rest", "an Excel workbook", id="workbook"),
        pytest.param(b"size,kind\n\0\0\0", "NUL bytes", id="binary"),
        pytest.param(gzip.compress(GOOD.encode())[:-20], "cannot be read", id="truncated gzip"),
    ],
)
def test_unusable_table(fastml, csv_file, text, sentence):
    assert sentence in fastml("compare", csv_file(text), "--target", "kind").complaint


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--target", "Kind"], "no column 'Kind'; did you mean 'kind'?"),
        (["--target", "colur"], "did you mean 'colour'?"),
        (["--target", "zzz"], "it has 'size', 'colour', 'kind'"),
        (["--target", "kind", "--separator", ";"], "only one column with the separator ';': ',' would give 3"),
        (["--target", "kind", "--separator", "::"], "must be one character, or 'tab'"),
        (["--target", "kind", "--encoding", "utf-99"], "'utf-99' is not known"),
        (["--target", "kind", "--task", "regression"], "holds texts ('a' in row 1)"),
        (["--target", "kind", "--folds", "21"], "20 rows, fewer than the 21 folds"),
        (["--target", "kind", "--missing", "a"], "'b' in every row where it is not missing"),
    ],
)
def test_unusable_arguments(fastml, csv_file, arguments, sentence):
    assert sentence in fastml("compare", csv_file(GOOD), *arguments).complaint


@pytest.mark.parametrize("arguments", [["--folds", "1"], ["--folds", "x"], ["--rows", "0"], ["--rows", "some"]])
def test_numbers_out_of_range(fastml, csv_file, arguments):
    outcome = fastml("compare", csv_file(GOOD), "--target", "kind", *arguments)
    assert outcome.code == 2
    assert "must be" in outcome.err


def test_an_encoding_that_is_wrong(fastml, csv_file):
    path = csv_file("size,kind\n1,caf\u00e9\n".encode("latin-1"))
    outcome = fastml("compare", path, "--target", "kind", "--encoding", "utf-8")
    assert "is not UTF-8 text (byte 0xe9" in outcome.complaint
