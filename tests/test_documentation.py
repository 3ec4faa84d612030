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


def test_the_call_that_the_architecture_page_follows_takes_that_way():
    from sklearn.datasets import load_iris

    from fastml.naive_bayes import GaussianNB

    page = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    steps = re.findall(r"^\| \d \| `([\w/.]+)` \| `([\w.]+)` \|", page, re.MULTILINE)
    assert len(steps) == 7
    X, y = load_iris(return_X_y=True)
    model = GaussianNB().fit(X, y)
    model.predict(X)  # loads the kernels
    called = []

    def note(frame, event, argument):
        if event == "call":
            called.append((Path(frame.f_code.co_filename), frame.f_code.co_qualname))

    sys.setprofile(note)
    try:
        model.predict(X)
    finally:
        sys.setprofile(None)
    way = [(path, name) for path, name in called if {"fastml", "fastml_ext"} & set(path.parts)]
    for file, name in steps:
        module = importlib.import_module(file.removesuffix(".py").replace("/", "."))
        assert Path(module.__file__).as_posix().endswith(file)
        target = functools.reduce(getattr, name.split("."), module)
        if inspect.isfunction(target) and not hasattr(target, "py_func"):  # what is compiled shows no frame
            place = next(at for at, (path, called_name) in enumerate(way) if called_name == name)
            assert way[place][0].as_posix().endswith(file)
            way = way[place + 1 :]


def test_places_that_the_architecture_page_names_exist():
    page = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    places = set(re.findall(r"`((?:fastml|fastml_ext|tests|benchmarks)/[\w/.]*)`", page))
    assert len(places) > 15
    assert {place for place in places if not (ROOT / place).exists()} == set()
