"""The page that `fastml demo` and `fastml compare` write: whole, self-contained, and the same as the table."""

import html
import html.parser
import re
import sys

import numpy as np
import pytest

from fastml.cli.report import DRAWN, even

pytest.importorskip("jinja2")
pytest.importorskip("matplotlib")

ROWS = "".join(
    f"{i % 7},{i * 5 % 11},{'' if i % 13 == 5 else i % 3},{('<b>red</b>', 'blue')[i % 2]},{('no', '&yes')[i % 7 > 3]}\n"
    for i in range(80)
)
TABLE = "size,width,depth,colour,kind <x>\n" + ROWS


class Page(html.parser.HTMLParser):
    """What a page holds; unclosed or crossed tags are an error."""

    VOID = {"meta", "link", "br", "img", "input", "hr"}

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.ids, self.links, self.words = [], [], [], [], []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.handle_startendtag(tag, attributes)
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        values = dict(attributes)
        self.tags.append(tag)
        self.ids += [values["id"]] if "id" in values else []
        self.links += [values[name] for name in ("src", "href", "xlink:href") if name in values]

    def handle_endtag(self, tag):
        if tag not in self.VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


@pytest.fixture(scope="module")
def compared(here, tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    (folder / "table.csv").write_text(TABLE, encoding="utf-8")
    outcome = here("compare", folder / "table.csv", "--target", "kind <x>", "--report", folder / "page.html")
    assert outcome.code == 0, outcome.err
    return outcome, (folder / "page.html").read_text(encoding="utf-8")


def test_it_says_where_it_was_written(compared):
    assert re.search(r"Written: .*page\.html", compared[0].out)


def test_nothing_is_loaded_from_elsewhere(compared):
    page = Page(compared[1])
    assert "script" not in page.tags
    assert all(link.startswith(("#", "data:")) for link in page.links)
    assert not re.search(r"url\((?!#)|@import", compared[1])


def test_ids_are_unique_and_links_lead_somewhere(compared):
    page = Page(compared[1])
    assert len(page.ids) == len(set(page.ids))
    assert {link[1:] for link in page.links if link.startswith("#")} <= set(page.ids)
    assert set(re.findall(r"url\(#([^)]*)\)", compared[1])) <= set(page.ids)


def test_names_of_the_user_are_escaped(compared):
    words = "".join(Page(compared[1]).words)
    assert "kind <x> in table.csv" in words
    assert "&yes" in words
    assert "<b>red" not in compared[1]


def test_the_table_is_the_one_in_the_terminal(compared):
    outcome, text = compared
    [row] = [line for line in outcome.out.splitlines() if line.startswith("KNeighborsClassifier ") and "±" in line]
    cells = re.split(r"\s{2,}", row)
    assert "".join(f"<td>{cell}</td>" for cell in cells) in re.sub(r' class="(?:even|text model)"', "", text)
    assert "majority class" in text


def test_pictures_and_matrices(compared):
    text = compared[1]
    # ROC, precision and recall, calibration; a boundary of each of the best; learning curve, network, graph
    assert text.count('<svg role="img"') == 3 + DRAWN + 3
    assert " from size and" in text
    matrix = re.search(r'<table class="matrix">.*?</table>', text, re.DOTALL)[0]
    assert sum(int(n) for n in re.findall(r">(\d+)</td>", matrix)) == 80
    assert "currentColor" in text
    assert "#010203" not in text


def test_it_says_what_is_best_and_how_to_repeat_it(compared):
    text = compared[1]
    [sentence] = re.findall(r'<p class="summary">(.*?)</p>', text)
    assert html.unescape(sentence) in compared[0].out
    assert "fastml.compare(" in text
    assert "found.best_.predict(new)" in text
    assert "What the columns are worth" in text
    assert "Beside accuracy" in text


def test_it_can_be_mailed(compared):
    assert len(compared[1].encode()) < 2e6
    assert "default-src 'none'" in compared[1]


def test_what_scrolls_can_be_reached_by_keys(compared):
    text = compared[1]
    assert text.count('class="wide"') == text.count('tabindex="0" role="region" aria-label="')
    assert 'class="skip" href="#results"' in text


@pytest.mark.parametrize(
    ("cell", "grey"), [("1.1×", True), ("0.80×", True), ("1.4×", False), ("0.50×", False), ("", False)]
)
def test_small_differences_of_time_are_grey(cell, grey):
    assert even(cell) == grey


def test_light_dark_and_phones(compared):
    assert "prefers-color-scheme: dark" in compared[1]
    assert 'name="viewport"' in compared[1]


def test_regression(here, tmp_path):
    rows = "".join(f"{i % 17},{(i * 7) % 23},{(i % 17) * 1.5 + i % 3}\n" for i in range(60))
    (tmp_path / "t.csv").write_text("a,b,y\n" + rows, encoding="utf-8")
    outcome = here("compare", tmp_path / "t.csv", "--target", "y", "--report", tmp_path / "r.html")
    assert outcome.code == 0, outcome.err
    text = (tmp_path / "r.html").read_text(encoding="utf-8")
    Page(text)
    assert "mean" in text
    assert "Confusion" not in text


def test_hard_rows_are_rows_of_the_file(compared):
    text = compared[1]
    wrong, n = re.search(r"(\d+) of (\d+) rows are wrong by every model", text).groups()
    assert int(n) == 80
    table = text[text.index("are wrong by every model") :]
    rows = re.findall(r"<tr><td>(\d+)</td><td>([^<]*)</td><td>([^<]*)</td>", table)
    assert len(rows) == min(int(wrong), 20)
    lines = TABLE.splitlines()
    for row, truth, answer in rows:
        assert lines[int(row)].endswith("," + truth.replace("&amp;", "&"))
        assert answer != truth


@pytest.mark.parametrize("missing", ["jinja2", "matplotlib"])
def test_missing_library_is_named_with_its_extra(here, tmp_path, monkeypatch, missing):
    monkeypatch.setitem(sys.modules, missing, None)
    (tmp_path / "t.csv").write_text(TABLE, encoding="utf-8")
    outcome = here("compare", tmp_path / "t.csv", "--target", "kind <x>", "--report", tmp_path / "r.html")
    assert outcome.code == 0
    assert f"{missing} is not installed" in outcome.out
    assert 'pip install "fastml-learn[report]"' in outcome.out
    assert not (tmp_path / "r.html").exists()


def test_page_that_cannot_be_written_is_refused_first(here, tmp_path):
    (tmp_path / "t.csv").write_text(TABLE, encoding="utf-8")
    outcome = here("compare", tmp_path / "t.csv", "--target", "kind <x>", "--report", tmp_path / "no" / "r.html")
    assert "there is no folder" in outcome.complaint
    assert "reading" not in outcome.err


def test_strongest_columns(csv_file):
    from fastml.cli.problem import from_table, strongest
    from fastml.cli.tables import read_table

    random = np.random.default_rng(0)
    cells = [(a, k + 0.1 * b, k) for k, (a, b) in zip([0, 1, 2] * 30, random.standard_normal((90, 2)), strict=True)]
    rows = "".join(f"{noise:.3f},{signal:.3f},5.5,{'xyz'[k]}\n" for noise, signal, k in cells)
    problem = from_table(read_table(csv_file("noise,signal,other,kind\n1,1,1,x\n" + rows)), "kind")
    assert problem.names[strongest(problem)[0]] == "signal"


def test_a_model_without_a_picture_does_not_cost_the_page(here, tmp_path, monkeypatch):
    from fastml.cli import pictures

    def broken(*_):
        raise ValueError("cannot be drawn <here>")

    monkeypatch.setattr(pictures, "boundary", broken)
    (tmp_path / "t.csv").write_text(TABLE, encoding="utf-8")
    assert here("compare", tmp_path / "t.csv", "--target", "kind <x>", "--report", tmp_path / "r.html").code == 0
    text = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "no picture: cannot be drawn &lt;here&gt;" in text
    Page(text)
