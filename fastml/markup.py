"""Names that users chose, as text in the languages of pictures: nothing in them may be read as more than text."""

import html

__all__ = ["dot_text", "html_text", "math_free", "mermaid_text"]

UNSEEN = dict.fromkeys((*range(9), *range(11, 32), 127), "�")  # control characters but tab and line feed
MERMAID = str.maketrans(
    {"#": "#35;", '"': "#quot;", "<": "#lt;", ">": "#gt;", "&": "#amp;", "`": "#96;", "\\": "#92;", "\n": "<br>",
     "%": "#37;", "$": "#36;", "{": "#123;", "}": "#125;"}
)  # fmt: skip


def seen(text):
    """The text with a mark for what no picture can show: control characters, halves of characters."""
    return str(text).translate(UNSEEN).encode("utf-8", "replace").decode()


def dot_text(text):
    """A text for a quoted string of DOT."""
    return seen(text).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def mermaid_text(text):
    """A text for a quoted string of Mermaid, which reads #name; as HTML reads &name;.

    %%{...}%% is a directive, and $$...$$ a formula, wherever it stands.
    """
    return seen(text).translate(MERMAID)


def html_text(text):
    """A text for HTML and SVG, between tags or inside a quoted attribute."""
    return html.escape(seen(text))


def math_free(text):
    """A text for matplotlib, which takes what stands between two dollars for a formula, and hides labels behind `_`."""
    text = seen(text).replace("$", r"\$")
    return f" {text}" if text.startswith("_") else text
