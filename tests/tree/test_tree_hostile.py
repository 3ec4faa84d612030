"""Names and labels that try to get out of what a tree is written as, read by the rules of each language."""

import ast
import enum
import json
import re
import sqlite3
from html.parser import HTMLParser

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastml.tree import DecisionTreeClassifier, export_graphviz, export_text, from_dict, to_mermaid, to_sql, tree_html

QUOTES = ['"', "`", "[]"]
PIECES = [
    "'", '"', "`", "]", "[", "\\", "\n", "\r", "--", "/*", "*/", ";", "%s", "%", ":x", "?", "$1", "#", "\x1b", "\u2028",
    "</script>", "<b>", "&quot;", "end", "-->", "%%{init: {}}%%", "{", "}", '"]', "|", "\u202e", "é", "中",
    "\U0001f600", " OR 1=1 ", '"""', "'''", "\\N", "x", "$$", "~", "^", "|", "@", "\x7f", "\t",
]  # fmt: skip
texts = st.lists(st.sampled_from(PIECES), min_size=1, max_size=6).map("".join)
two, some = (st.lists(texts, min_size=2, max_size=most, unique=True) for most in (2, 3))


def fitted(names, labels):
    """A tree that tests each column once, one of them categories, and answers every label."""
    n = len(labels)
    X = np.empty((n, 2), object)
    X[:, 0] = [float(i) for i in range(n)]
    X[:, 1] = [f"{label} {i % 2}" for i, label in enumerate(labels)]
    model = DecisionTreeClassifier(categorical_features=[False, True]).fit(X, np.array(labels, object))
    return model, X


# ------------------------------------------------------------------------------------------------ SQL


def tokens(query, strings, names, escapes):
    """The words outside quotes, and the contents of the quoted ones, by the rules of a database.

    strings, names: the quotes that open texts and names, with those that close them | escapes: the quotes inside which
    a backslash escapes what follows
    """
    outside, inside, at = "", [], 0
    while at < len(query):
        if query[at] not in strings | names:
            outside += query[at]
            at += 1
            continue
        opening, text = query[at], ""
        closing = (strings | names)[opening]
        at += 1
        while True:
            assert at < len(query), "a quote that nothing closes"
            if opening in escapes and query[at] == "\\":
                text += query[at + 1]
                at += 2
            elif query[at] == closing:
                if query[at + 1 : at + 2] != closing:
                    break
                text += closing
                at += 2
            else:
                text += query[at]
                at += 1
        at += 1
        inside.append(text)
        outside += "''" if opening in strings else '""'
    return outside, inside


def written(model, *args, **options):
    """The query, None where a name with a backslash before a quote is refused."""
    try:
        return to_sql(model, *args, **options)
    except ValueError as error:
        if "backslash" not in str(error):
            raise
        return None


RULES = {
    "standard": ({"'": "'"}, {'"': '"'}, ""),  # PostgreSQL, SQLite
    "old PostgreSQL": ({"'": "'"}, {'"': '"'}, "'"),
    "SQLite": ({"'": "'"}, {'"': '"', "`": "`"}, ""),
    "MySQL": ({"'": "'", '"': '"'}, {"`": "`"}, "'\""),
    "MySQL, ANSI_QUOTES": ({"'": "'"}, {'"': '"', "`": "`"}, "'"),
    "SQL Server": ({"'": "'"}, {'"': '"', "[": "]"}, ""),
}
WORDS = re.compile(
    r"(SELECT|CASE|WHEN|THEN|ELSE|END|AS|FROM|AND|OR|NOT|IN|IS|NULL|REPLACE|SUBSTR|SUBSTRING|N(?='')"
    r"|[-+]?\d+(\.\d+)?(e[-+]\d+)?|''|\"\"|<=|>|=|[(),.*]|\s)+"
)


@pytest.mark.parametrize("quote", QUOTES)
@pytest.mark.parametrize("output", ["prediction", "proba"])
@given(data=st.data())
def test_nothing_gets_out_of_its_quotes(quote, output, data):
    labels = data.draw(st.lists(texts, min_size=2, max_size=3, unique=True))
    names = data.draw(st.lists(texts, min_size=2, max_size=2))
    model, _ = fitted(names, labels * 2)
    query = written(model, data.draw(texts), feature_names=names, quote=quote, output=output)
    assert query or quote == '"'
    for database, (strings, identifiers, escapes) in RULES.items() if query else ():
        if quote[0] not in strings | identifiers:
            continue
        outside, _ = tokens(query, strings, identifiers, escapes)
        assert WORDS.fullmatch(outside), (database, outside)


@pytest.mark.parametrize("quote", ['"', "`"])
@given(data=st.data())
def test_sqlite_answers_with_the_texts_that_were_fitted(quote, data):
    labels = data.draw(st.lists(texts, min_size=2, max_size=3, unique=True))
    names = [f"{name}{i}" for i, name in enumerate(data.draw(st.lists(texts, min_size=2, max_size=2)))]
    model, X = fitted(names, labels * 2)
    columns = ", ".join('"' + name.replace('"', '""') + '"' for name in names)
    with sqlite3.connect(":memory:") as database:
        database.execute(f"CREATE TABLE data ({columns})")
        database.executemany("INSERT INTO data VALUES (?, ?)", X.tolist())
        query = written(model, feature_names=names, quote=quote)
        assert query or quote == '"'
        if query is None:
            return
        assert [row[-1] for row in database.execute(query)] == model.predict(X).tolist()


def test_backslashes_are_one_under_either_rule():
    model = DecisionTreeClassifier().fit([[0.0], [1.0]], ["a\\' OR SLEEP(9) -- ", "C:\\"])
    query = to_sql(model, quote="`")
    assert tokens(query, *RULES["MySQL"])[1].count("\\") == 2
    assert tokens(query, *RULES["SQLite"])[1].count("\\\\") == 2
    assert "SLEEP" not in tokens(query, *RULES["MySQL"])[0]


@pytest.mark.parametrize("quote", ["", "'", "<>", '""', "[", None, 3])
def test_other_quotes_are_refused(quote):
    with pytest.raises(ValueError, match="quote="):
        to_sql(DecisionTreeClassifier().fit([[0], [1]], [0, 1]), quote=quote)


@pytest.mark.parametrize("text", ["a\0b", "a\ud800"])
def test_what_no_quotes_can_hold_is_refused(text):
    with pytest.raises(ValueError, match=r"NUL|surrogate"):
        to_sql(DecisionTreeClassifier().fit([[0], [1]], [text, "b"]))
    with pytest.raises(ValueError, match=r"NUL|surrogate"):
        to_sql(DecisionTreeClassifier().fit([[0], [1]], ["a", "b"]), feature_names=[text])


def test_sql_server_has_bits_and_letters_of_all_scripts():
    model = DecisionTreeClassifier().fit([[0], [1]], [True, False])
    assert "THEN 1\n" in to_sql(model, quote="[]")
    assert "THEN TRUE\n" in to_sql(model)
    assert "THEN N'中'" in to_sql(DecisionTreeClassifier().fit([[0], [1]], ["中", "z"]), quote="[]")


class Colour(enum.StrEnum):
    RED = "red'\\"

    def __repr__(self):
        return "__import__('os').abort()"

    __str__ = __repr__


class Level(enum.IntEnum):
    LOW = 3


def test_values_of_subclasses_are_written_as_what_they_are():
    labels = np.empty(4, object)
    labels[:] = [Colour.RED, Colour.RED, np.str_("b"), np.str_("b")]
    model = DecisionTreeClassifier().fit([[0], [1], [2], [3]], labels)
    assert "abort" not in model.to_python() + model.to_sql()
    program = {}
    exec(model.to_python(), program)
    assert [type(label) for label in program["CLASSES"]] == [str, str]
    labels[:] = [Level.LOW, Level.LOW, np.int64(4), 4]
    model = DecisionTreeClassifier().fit([[0], [1], [2], [3]], labels)
    exec(model.to_python(), program)
    assert program["predict"]([0]) == 3
    assert "THEN 3\n" in model.to_sql()


# ------------------------------------------------------------------------------------------------ other languages


@given(
    names=st.lists(texts, min_size=2, max_size=2, unique=True),
    labels=st.lists(texts, min_size=2, max_size=3, unique=True),
)
def test_python_is_a_module_of_data_and_functions(names, labels):
    model, X = fitted(names, labels * 2)
    source = model.to_python(feature_names=names)
    body = ast.parse(source).body
    assert {type(node) for node in body} <= {ast.Expr, ast.Assign, ast.FunctionDef}
    called = {node.func.id for node in ast.walk(ast.Module(body, [])) if isinstance(node, ast.Call)
              and isinstance(node.func, ast.Name)}  # fmt: skip
    assert called <= {"hasattr", "type", "float", "_read", "apply", "max"}
    program = {}
    exec(source, program)
    assert [program["predict"](row) for row in X.tolist()] == model.predict(X).tolist()
    assert [program["predict"](dict(zip(names, row, strict=True))) for row in X.tolist()] == model.predict(X).tolist()


@given(labels=some)
def test_json_is_read_back_as_it_was(labels):
    model, X = fitted(["a", "b"], labels * 2)
    again = from_dict(json.loads(model.to_json()))
    assert again.classes_.tolist() == model.classes_.tolist()
    assert again.predict(X).tolist() == model.predict(X).tolist()


DOT = re.compile(
    r'digraph Tree \{\n(?:(?:node|edge) \[[\w=, ]*(?:style="[\w, ]*", )?fontname="helvetica"\];\n)+'
    r'(?:\d+ (?:-> \d+ )?\[label="(?:[^"\\\n]|\\.)*"(?:, fillcolor="#[0-9a-f]{6}")?\];\n)+\}'
)


@given(
    names=st.lists(texts, min_size=2, max_size=2, unique=True),
    labels=st.lists(texts, min_size=2, max_size=3, unique=True),
)
def test_dot_has_a_statement_a_line(names, labels):
    model, _ = fitted(names, labels * 2)
    dot = export_graphviz(model, feature_names=names)
    assert DOT.fullmatch(dot), dot
    assert dot.count("];\n") == 2 + 2 * model.tree_.node_count - 1


MERMAID = re.compile(
    r'flowchart TD\n(?:  (?:n\d+\["[^"\n]*"\]|n\d+\(\["[^"\n]*"\]\)|n\d+ -- "[^"\n]*" --> n\d+'
    r"|style n\d+ fill:#[0-9a-f]{6},color:#000)\n?)+"
)


@given(
    names=st.lists(texts, min_size=2, max_size=2, unique=True),
    labels=st.lists(texts, min_size=2, max_size=3, unique=True),
)
def test_mermaid_has_a_statement_a_line_and_no_directive(names, labels):
    model, _ = fitted(names, labels * 2)
    mermaid = to_mermaid(model, feature_names=names)
    assert MERMAID.fullmatch(mermaid), mermaid
    assert "%%" not in mermaid
    assert "`" not in mermaid


class Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.found, self.said = set(), ""

    def handle_starttag(self, tag, attrs):
        self.found |= {tag, *(name for name, _ in attrs)}

    def handle_data(self, data):
        self.said += data


@given(
    names=st.lists(texts, min_size=2, max_size=2, unique=True),
    labels=st.lists(texts, min_size=2, max_size=3, unique=True),
)
def test_html_has_no_tags_but_its_own(names, labels):
    model, X = fitted(names, labels * 2)
    plain, hostile = Tags(), Tags()
    plain.feed(tree_html(fitted(["a", "b"], ["c", "d", "e", "c", "d", "e"])[0]))
    hostile.feed(tree_html(model, feature_names=names))
    assert hostile.found <= plain.found
    why = Tags()
    why.feed(model.explain(X[0], feature_names=names)._repr_html_())
    assert why.found <= {"p", "table", "thead", "tbody", "tr", "th", "td"}


@given(
    names=st.lists(texts, min_size=2, max_size=2, unique=True),
    labels=st.lists(texts, min_size=2, max_size=3, unique=True),
)
def test_text_stays_on_its_line(names, labels):
    model, _ = fitted(names, labels * 2)
    for text in (export_text(model, feature_names=names), *map(str, model.rules(feature_names=names))):
        assert all(line.isprintable() for line in text.split("\n"))
    assert len(export_text(model, feature_names=names).split("\n")) <= model.tree_.node_count


def test_names_are_told_from_entities():
    assert "&amp;lt;" in tree_html(DecisionTreeClassifier().fit([[0], [1]], ["&lt;", "x"]))
