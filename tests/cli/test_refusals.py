"""Whatever cannot be done is one sentence on the error stream and the exit code 2, never a traceback."""

import os
import stat
import subprocess
import sys

import pytest

from fastml.cli import main
from fastml.cli.terminal import Progress

TEXT = "a,b,t\n" + "".join(f"{i * 37 % 101},{i % 5},{'pqr'[i * 7 % 3]}\n" for i in range(60))


@pytest.fixture
def train(here, csv_file, tmp_path):
    def run(*more, model="DecisionTreeClassifier", text=TEXT, output=None):
        path = tmp_path / "m.fml" if output is None else output
        return here("train", csv_file(text), "--target", "t", "--model", model, "-o", path, *more)

    return run


@pytest.mark.parametrize(
    ("model", "setting"),
    [
        ("DecisionTreeClassifier", "max_depth={[]:1}"),
        ("DecisionTreeClassifier", "max_depth=" + "-" * 90000 + "1"), ("DecisionTreeClassifier", "max_depth=1e400"),
        ("DecisionTreeClassifier", "max_depth=" + "(" * 500), ("DecisionTreeClassifier", "criterion=\0"),
        ("DecisionTreeClassifier", "random_state=-1"),
        ("MLPClassifier", "hidden_layer_sizes=9999999999"), ("MLPClassifier", "hidden_layer_sizes=(3,'x')"),
        ("KNeighborsClassifier", "n_neighbors=100"), ("KNeighborsClassifier", "n_neighbors=" + "9" * 30),
        ("KNeighborsClassifier", "metric=nonsense"), ("KNeighborsClassifier", "weights=lambda"),
        ("LogisticRegression", "C=1e-400"), ("GaussianNB", "priors=(1,2)"), ("GaussianNB", "no_such=1"),
        ("GaussianNB", "=1"), ("GaussianNB", "var_smoothing"),
    ],
)  # fmt: skip
def test_settings(train, model, setting, tmp_path):
    assert train("--set", setting, model=model).complaint
    assert not (tmp_path / "m.fml").exists()


@pytest.mark.parametrize("setting", ["max_depth=" + "9" * 23, "max_leaf_nodes=" + "9" * 400])
def test_bounds_beyond_every_table_are_none(train, setting, tmp_path):
    assert train("--set", setting, model="DecisionTreeClassifier").code == 0
    assert (tmp_path / "m.fml").exists()


@pytest.mark.parametrize(
    "encoding", ["undefined", "utf-99", "base64", "rot13", "hex", "zlib", "\0", "é", "", "x" * 9999, "idna", "../x"]
)
def test_encodings(train, encoding):
    outcome = train("--encoding", encoding)
    assert outcome.code == 0 or outcome.complaint


@pytest.mark.parametrize("separator", ["\0", '"', "\n", "ab", "", " ", "é", "\U0001f600"])
def test_separators(train, separator):
    outcome = train("--separator", separator)
    assert outcome.code == 0 or outcome.complaint


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
@pytest.mark.parametrize("place", ["input", "output", "model", "answer", "report"])
@pytest.mark.parametrize("kind", ["pipe", "folder", "device", "nowhere", "nul"])
def test_files_that_are_none(here, csv_file, tmp_path, place, kind):
    path = {"device": "/dev/full", "nowhere": str(tmp_path / "no" / "x"), "nul": "a\0b"}.get(kind, str(tmp_path / "x"))
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        os.mkdir(path)
    table, model = csv_file(TEXT), tmp_path / "m.fml"
    to_train = ("--target", "t", "--model", "GaussianNB", "-o")
    assert here("train", table, *to_train, model).code == 0
    outcome = {
        "input": lambda: here("train", path, *to_train, model),
        "output": lambda: here("train", table, *to_train, path),
        "model": lambda: here("predict", path, table),
        "answer": lambda: here("predict", model, table, "-o", path),
        "report": lambda: here("compare", table, "--target", "t", "--report", path),
    }[place]()
    assert outcome.complaint
    if kind == "pipe":
        assert stat.S_ISFIFO(os.stat(path).st_mode)


def test_the_table_is_not_overwritten(here, csv_file, tmp_path):
    table = csv_file(TEXT)
    assert "is the file that is read" in here(
        "train", table, "--target", "t", "--model", "GaussianNB", "-o", table
    ).complaint  # fmt: skip
    assert table.read_text() == TEXT


def test_answers_go_through_a_link(here, csv_file, train, tmp_path):
    assert train().code == 0
    (tmp_path / "real.csv").write_text("old")
    (tmp_path / "link.csv").symlink_to(tmp_path / "real.csv")
    assert here("predict", tmp_path / "m.fml", csv_file(TEXT), "-o", tmp_path / "link.csv").code == 0
    assert (tmp_path / "link.csv").is_symlink()
    assert (tmp_path / "real.csv").read_text().startswith("t\n")


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\x00\x01", b"\xff\xfe", b"\x1f\x8b", b"a", b"a,b,t", b'a,b,t\n"'])
def test_broken_tables(here, csv_file, content, tmp_path):
    assert here(
        "train", csv_file(content), "--target", "t", "--model", "GaussianNB", "-o", tmp_path / "m.fml"
    ).complaint  # fmt: skip


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full here")
def test_a_full_disk_behind_standard_output(csv_file, train, tmp_path):
    assert train().code == 0
    command = [sys.executable, "-P", "-m", "fastml", "predict", str(tmp_path / "m.fml"), str(csv_file(TEXT))]
    with open("/dev/full", "w") as full:
        ended = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, timeout=300)
    assert ended.returncode == 2
    assert "Traceback" not in ended.stderr
    assert "fastml predict: No space left on device" in ended.stderr


@pytest.mark.parametrize("streams", [("stdout",), ("stderr",), ("stdout", "stderr")])
def test_no_standard_streams(monkeypatch, csv_file, tmp_path, streams):
    for name in streams:
        monkeypatch.setattr(sys, name, None)
    table, model = str(csv_file(TEXT)), str(tmp_path / "m.fml")
    assert main(["train", table, "--target", "t", "--model", "GaussianNB", "-o", model]) == 0
    assert main(["predict", model, table, "-o", str(tmp_path / "out.csv")]) == 0
    assert main(["predict", model, table]) == 0
    assert main(["predict", model, "nowhere.csv"]) == 2
    assert [getattr(sys, name) for name in streams] == [None] * len(streams)
    Progress()("doing")
