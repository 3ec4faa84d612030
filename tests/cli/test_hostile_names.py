"""Names of columns, labels, texts and files that are scripts, markup or entities: in the page they are text."""

import html.parser

import pytest

from fastml.cli.models import MODELS
from fastml.cli.problem import from_table, wants_labels
from fastml.cli.race import Race
from fastml.cli.report import write_report
from fastml.cli.tables import read_table

pytest.importorskip("jinja2")
pytest.importorskip("matplotlib")

HOSTILE = [
    "<script>alert(1)</script>", "--><script>alert(2)</script><!--", '"><img src=x onerror=alert(3)>',
    "' onmouseover='alert(4)", "</style><script>alert(5)</script>", "</title><script>alert(6)</script>",
    "</text></svg><script>alert(7)</script>", "&lt;script&gt;alert(8)&lt;/script&gt;", "{{ 7 * 7 }}", "{% raw %}",
    "javascript:alert(9)",
    "<![CDATA[<script>alert(10)</script>]]>", "$\\frac$", "$x", "_hidden", "a\u202eb", "id=\"p\" url(#q)",
    "<svg onload=alert(11)>", "<a href=javascript:alert(12)>x</a>", "\x1b[31mred", "#010203",
]  # fmt: skip


class Page(html.parser.HTMLParser):
    """The elements and attributes of a page, and its text."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes, self.text = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += attributes

    handle_startendtag = handle_starttag

    def handle_data(self, data):
        self.text.append(data)


def quoted(text):
    return '"' + text.replace('"', '""') + '"'


def page_of(tmp_path, names, labels, texts, target):
    header = ",".join(map(quoted, [*names, "words", target]))
    rows = [
        ",".join([*(str((i * (3 + j)) % 11) for j in range(len(names))), quoted(texts[i % 3]), quoted(labels[i % 2])])
        for i in range(36)
    ]
    path = tmp_path / f"{''.join(c for c in labels[0] if c not in '/')[:60]}.csv"
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    problem = from_table(read_table(path, ",", as_text=wants_labels(target, "auto")), target, folds=2)
    chosen = [model for model in MODELS if model.title in ("DecisionTreeClassifier", "GaussianNB")]
    race = Race([problem], 2, Quiet(), models=chosen)
    race.run()
    write_report(race, f"{target} in {path.name}", str(tmp_path / "page.html"))
    return (tmp_path / "page.html").read_text(encoding="utf-8")


class Quiet:
    def __call__(self, *words):
        pass

    def clear(self):
        pass


@pytest.mark.parametrize("start", [0, 9])
def test_names_are_text_and_nothing_else(tmp_path, start):
    some = HOSTILE[start:] + HOSTILE[:start]
    names, labels, texts, target = some[:3], some[3:5], some[5:8], some[8]
    page = Page(page_of(tmp_path, names, labels, texts, target))
    assert {"script", "img", "iframe", "object", "form"} & set(page.tags) == set()
    assert page.tags.count("a") <= 3  # to the results, to this table, to how it is repeated
    assert [name for name, _ in page.attributes if name.startswith("on")] == []
    links = [value for name, value in page.attributes if name in ("src", "href", "xlink:href", "action")]
    assert all(link.startswith(("#", "data:")) for link in links)
    text = "".join(page.text)
    for shown in (*names, *labels, target):
        assert shown.strip() in text
    assert "no picture" not in text


def test_the_page_forbids_scripts_and_loads_nothing(tmp_path):
    page = page_of(tmp_path, ["a", "b"], ["no", "yes"], ["x", "y", "z"], "kind")
    policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
    assert ("content", policy) in Page(page).attributes
