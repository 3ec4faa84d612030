"""Every snippet of the documentation and of README runs, and shows what the page says it shows."""

import doctest
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
