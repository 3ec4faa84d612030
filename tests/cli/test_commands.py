"""What the commands show, and how they end."""

import ast
import importlib
import inspect
import os
import pkgutil
import re
import shlex
import signal
import subprocess
import sys

import pytest
from sklearn.base import ClassifierMixin, RegressorMixin

import fastml as package
from fastml.cli.models import CLASSIFICATION, MODELS, load

SCORE = r"-?\d\.\d{3} ± \d\.\d{3}"
TIME = r"\d+(\.\d+)? (s|ms|µs)"


def rows_of(text, first):
    """The lines of a table that start with `first`."""
    return [line for line in text.splitlines() if line.startswith(first)]


def is_plain(text):
    return not any(ord(c) < 32 and c != "\n" for c in text) and "\x7f" not in text


@pytest.fixture(scope="module")
def demo(fastml):
    return fastml("demo", "--folds", "3")


def test_demo_compares_every_data_set(demo):
    assert demo.code == 0, demo.err
    for name in ("digits", "cancer", "iris"):
        assert len(rows_of(demo.out, f"{name} ")) == 1 + len(classifiers()), demo.out
        assert re.search(f"majority class +{SCORE}$", rows_of(demo.out, f"{name} ")[-1])  # the best come first
    [mean] = [line for line in rows_of(demo.out, "diabetes") if " mean " in line]
    assert re.search(r"-?0\.0\d\d ± ", mean)


def classifiers():
    return [model for model in MODELS if model.task == CLASSIFICATION and not model.only_mixed]


def test_a_row_has_scores_times_and_ratios_of_both(demo):
    [row] = [line for line in rows_of(demo.out, "iris") if "KNeighborsClassifier" in line]
    pattern = (
        rf"iris +KNeighborsClassifier +{SCORE} +{SCORE} +100\.0% +{TIME} +{TIME} +[\d.]+× +{TIME} +{TIME} +[\d.]+×"
    )
    assert re.fullmatch(pattern, row)


def test_demo_shows_cold_start_apart_and_first(demo):
    before, _, after = demo.out.partition("score")
    assert "Cold start" in before
    assert re.search(rf"KNeighborsClassifier +{TIME} +{TIME} +\d+ compiled, \d+ cached", before)
    assert "KNeighborsClassifier" in after


def test_models_beat_the_majority(demo):
    for name in ("digits", "cancer", "iris"):
        scores = [float(re.search(SCORE, line)[0][:5]) for line in rows_of(demo.out, f"{name} ")]
        assert min(scores[:-1]) > scores[-1] + 0.1


def test_piped_output_has_no_control_characters(demo):
    assert is_plain(demo.out)
    assert is_plain(demo.err)
    assert "first fit: KNeighborsClassifier for digits" in demo.err


def test_info_is_complete(fastml):
    outcome = fastml("info", OMP_NUM_THREADS="1")
    assert outcome.code == 0, outcome.err
    assert is_plain(outcome.out)
    for word in (
        "Versions",
        "Threads",
        "Instruction set",
        "BLAS",
        "Compiled",
        "Kernels",
        "Cache of Numba's kernels",
        "Names",
    ):
        assert rows_of(outcome.out, word), word
    assert re.search(r"OMP_NUM_THREADS +1", outcome.out)
    assert re.search(r"used +1 ", outcome.out)
    assert package.__version__ in outcome.out
    assert re.search(r"checks +Cython, built", outcome.out)
    assert re.search(r"_launch +C, built", outcome.out)
    assert re.search(r"level +(v2|v3|v4|native|jit) \(", outcome.out)
    assert re.search(
        r"neighbors +\d+ kernels, \d+ variants compiled ahead, \d+ of them in Numba's cache", outcome.words
    )
    assert re.search(r"left to Numba +by this process: nothing", outcome.out)
    assert re.search(r"fastml\.neighbors +fastml's own: .*KNeighborsClassifier", outcome.out)
    assert re.search(r"handed through from scikit-learn: .*BallTree", outcome.out)


def test_info_says_that_the_chosen_cache_is_not_used(fastml, tmp_path):
    file = tmp_path / "file"
    file.write_text("not a folder")
    outcome = fastml("info", NUMBA_CACHE_DIR=str(file / "cache"))
    assert outcome.code == 0, outcome.err
    assert "which cannot be written and is NOT used" in outcome.words


def test_info_says_that_the_chosen_cache_is_used(fastml, tmp_path):
    outcome = fastml("info", NUMBA_CACHE_DIR=str(tmp_path))
    assert str(tmp_path) in outcome.words
    assert "NOT" not in outcome.words
    assert re.search(r"neighbors +\d+ kernels, \d+ variants compiled ahead, 0 of them in Numba's cache", outcome.words)


def test_info_says_that_no_cache_can_be_written(monkeypatch):
    from fastml.cli import info
    from fastml_ext import jit

    monkeypatch.setattr(jit, "cache_folder", lambda: None)
    assert "set NUMBA_CACHE_DIR to a folder that can" in dict(info.cache())["folder"]


def test_info_without_numba(monkeypatch):
    from fastml.cli import info

    monkeypatch.setattr(info, "version", lambda package: None if package in ("numba", "llvmlite") else "1")
    assert dict(info.versions())["numba"].startswith("not installed")
    assert dict(info.cache()) == {"folder": "none: without Numba nothing is compiled"}
    assert "highest level" in dict(info.instructions())
    assert re.fullmatch(r"\d+ kernels, \d+ variants compiled ahead, no Numba", dict(info.kernels())["neighbors"])


def test_version_and_help(fastml):
    assert fastml("--version").out.strip() == f"fastml {package.__version__}"
    text = fastml("--help").out
    assert all(command in text for command in ("demo", "compare", "info"))
    assert fastml().code == 2


def test_help_loads_neither_numba_nor_scikit_learn():
    code = (
        "import sys; sys.argv = ['fastml', '--version']\ntry: import fastml.__main__, fastml.cli; fastml.cli.main()\n"
    )
    code += "except SystemExit: sys.exit(any(m in sys.modules for m in ('numba', 'sklearn', 'numpy')))"
    assert subprocess.run([sys.executable, "-P", "-c", code], stdout=subprocess.DEVNULL).returncode == 0


def test_narrow_encoding_gets_plain_characters(fastml, csv_file):
    path = csv_file("size,kind\n" + "1,a\n2,b\n" * 10)
    outcome = fastml("compare", path, "--target", "kind", "--folds", "2", PYTHONIOENCODING="ascii")
    assert outcome.code == 0, outcome.err
    assert "+/-" in outcome.out
    assert outcome.out.isascii()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT for one process")
def test_ctrl_c_shows_what_is_done():
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "fastml", "demo", "--folds", "50", "--no-report"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    for line in process.stderr:
        if line.startswith("digits: "):
            break
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "majority class" in out
    assert "stopped early" in out
    assert err.strip().endswith("stopped by Ctrl-C")
    assert "Traceback" not in err


@pytest.mark.skipif(os.name == "nt", reason="POSIX pipes")
def test_a_reader_that_has_seen_enough():
    command = f'"{sys.executable}" -P -m fastml info | head -n 1'
    outcome = subprocess.run(command, shell=True, capture_output=True, text=True)
    assert outcome.stdout.strip() == "Versions"
    assert outcome.stderr == ""


def test_every_estimator_is_in_the_list():
    """A family joins the comparison by its lines in MODELS; what is left out is left out here, with a reason."""
    unscaled = "no radius suits every table"
    left_out = {
        "RadiusNeighborsClassifier": unscaled,
        "RadiusNeighborsRegressor": unscaled,
        "TransformedTargetRegressor": "another regressor within",
    }
    listed = {load(model)[0] for model in MODELS}
    modules = [m.name for m in pkgutil.iter_modules(package.__path__, "fastml.") if m.name != "fastml.__main__"]
    names = [
        getattr(module, name)
        for module in map(importlib.import_module, modules)
        for name in getattr(module, "__all__", ())
    ]
    estimators = {
        value for value in names if isinstance(value, type) and issubclass(value, (ClassifierMixin, RegressorMixin))
    }
    assert {cls.__name__ for cls in estimators - listed} == set(left_out), "add a line to fastml/cli/models.py"
    assert estimators >= listed


def test_what_repeats_a_comparison(here, csv_file):
    """Every option that was given, in the command, in the second command, and in Python."""
    from fastml.cli import parser
    from fastml.cli.compare import repeat
    from fastml.cli.race import Entry, Race, Run

    path = csv_file("a|b|y\n", "my table.csv")
    given = ["--target", "the y", "--separator", "|", "--encoding", "cp1252", "--missing", "?", "--missing", "no data",
             "--task", "regression", "--folds", "3", "--rows", "all", "--group", "g", "--time", "t", "--drop", "a",
             "--drop", "b c", "--reduce", "pca", "--tune", "--budget", "2m"]  # fmt: skip
    arguments = parser().parse_args(["compare", str(path), *given])
    problem = type("Frame", (), {"name": "t", "task": "regression"})
    race, entry = Race([problem], 3, lambda *_: None), Entry("t", "Ridge")
    entry.runs["fastml"], entry.whole, entry.chosen = [Run(0.5, 1.0, 1.0)] * 3, True, [{"alpha": 10.0}] * 2
    race.entries = [entry]
    commands, code = repeat(race, arguments)
    first, second, third = map(shlex.split, commands.splitlines())
    assert vars(parser().parse_args(first[1:])) == vars(arguments)
    train = parser().parse_args(second[1:])
    assert (train.target, train.model, train.settings, train.reduce) == ("the y", "Ridge", ["alpha=10.0"], "pca")
    assert (train.separator, train.encoding, train.missing) == ("|", "cp1252", ["?", "no data"])
    assert third == ["fastml", "predict", "model.fml", "new.csv", "-o", "answers.csv"]
    [call] = [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Call) and node.keywords]
    told = {word.arg: ast.literal_eval(word.value) for word in call.keywords}
    assert told == {
        "target": "the y", "separator": "|", "encoding": "cp1252", "missing": ["?", "no data"], "task": "regression",
        "folds": 3, "rows": None, "group": "g", "time": "t", "drop": ["a", "b c"], "reduce": "pca", "tune": True,
        "budget": 120.0,
    }  # fmt: skip
    assert set(told) <= set(inspect.signature(package.compare).parameters)
