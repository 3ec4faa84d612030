"""Every snippet of the documentation and of README runs, and shows what the page says it shows."""

import doctest
import functools
import importlib
import inspect
import re
import sys
from pathlib import Path

import pytest
from sybil import Sybil
from sybil.evaluators.python import PythonEvaluator
from sybil.parsers.myst import CodeBlockParser, PythonCodeBlockParser

plt = pytest.importorskip("matplotlib.pyplot")

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
# A picture stands by itself, as the site draws it; what follows it on the page does not see its names.
PARSERS = [PythonCodeBlockParser(doctest_optionflags=OPTIONS), CodeBlockParser("{plot}", PythonEvaluator())]


def test_there_are_pages():
    assert len(PAGES) > 5


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_page(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    document = Sybil(PARSERS, path=str(page.parent)).parse(page)
    try:
        for example in document.examples():
            example.evaluate()
    finally:
        plt.close("all")


def calls_of(work):
    """(file, qualified name) of every Python function that `work` calls, in order."""
    called = []

    def note(frame, event, argument):
        if event == "call":
            called.append((Path(frame.f_code.co_filename), frame.f_code.co_qualname))

    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(None)
    return [(path, name) for path, name in called if {"fastml", "fastml_ext"} & set(path.parts)]


@pytest.mark.parametrize(
    ("heading", "n_steps", "n_files"),
    [
        ("## One call, from `predict` to the inner loop", 7, 5),
        ("## One fit, from `fit` to the inner loop", 8, 6),
        ("## One search among neighbours", 7, 5),
        ("## One tree, from `fit` to the search for a split", 7, 6),
        ("## One logistic regression, from `fit` to Newton's steps", 8, 6),
    ],
)
def test_the_calls_that_the_architecture_page_follows_take_that_way(heading, n_steps, n_files):
    from sklearn.datasets import load_iris

    from fastml.linear_model import LogisticRegression
    from fastml.naive_bayes import GaussianNB
    from fastml.neighbors import KNeighborsClassifier
    from fastml.neural_network import MLPClassifier
    from fastml.tree import DecisionTreeClassifier

    page = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    section = page.split(heading)[1].split("\n## ")[0]
    steps = re.findall(r"^\| \d \| `([\w/.]+)` \| `([\w.]+)` \|", section, re.MULTILINE)
    assert (len(steps), len({file for file, _ in steps})) == (n_steps, n_files)
    X, y = load_iris(return_X_y=True)
    work = {
        "call": functools.partial(GaussianNB().fit(X, y).predict, X),
        "fit": functools.partial(MLPClassifier(learning_rate_init=0.02, random_state=0).fit, X, y),
        "search": functools.partial(KNeighborsClassifier(algorithm="brute").fit(X, y).predict, X),
        "logistic": functools.partial(LogisticRegression().fit, X, y),
        "tree": functools.partial(DecisionTreeClassifier(max_depth=2).fit, X, y),
    }[heading.split()[2].strip(",")]
    work()  # loads the kernels
    way = calls_of(work)
    for file, name in steps:
        module = importlib.import_module(file.removesuffix(".pyx").removesuffix(".py").replace("/", "."))
        assert file.endswith(".pyx") or Path(module.__file__).as_posix().endswith(file)
        target = functools.reduce(getattr, name.split("."), module)
        if inspect.isfunction(target) and not hasattr(target, "py_func"):  # what is compiled shows no frame
            place = next(at for at, call in enumerate(way) if call[0].as_posix().endswith(file) and call[1] == name)
            way = way[place + 1 :]


def test_places_that_the_architecture_page_names_exist():
    page = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    places = set(re.findall(r"`((?:fastml|fastml_ext|tests|benchmarks)/[\w/.]*)`", page))
    assert len(places) > 15
    assert {place for place in places if not (ROOT / place).exists()} == set()


def test_every_parameter_of_a_network_stands_in_one_group():
    from fastml.neural_network import MLPClassifier, MLPRegressor

    page = (ROOT / "docs/networks.md").read_text(encoding="utf-8")
    groups = re.findall(
        r"^\| [\w ,]+ \| (`.*`) \|$", page.split("## The parameters")[1].split("\n## ")[0], re.MULTILINE
    )
    named = [name for group in groups for name in re.findall(r"`(\w+)`", group)]
    parameters = {*MLPClassifier().get_params(), *MLPRegressor().get_params()}
    assert len(named) == len(set(named))
    assert set(named) == parameters
