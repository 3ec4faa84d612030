"""The documentation site: `make docs` builds it into build/docs; tests/test_documentation.py runs its snippets."""

import itertools
import json
import re
import statistics
import textwrap
from pathlib import Path

import latex2mathml.converter
import matplotlib
from docutils import nodes

import fastml

matplotlib.use("Agg")

project = "fastml"
copyright = author = "the fastml developers"
release = version = fastml.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "sphinx_design",
    "matplotlib.sphinxext.plot_directive",
]
myst_enable_extensions = ["colon_fence", "dollarmath", "deflist", "substitution"]
myst_heading_anchors = 3
suppress_warnings = ["myst.header"]  # benchmarks/BENCHMARKS.md is a page of its own and a part of one
exclude_patterns = ["_build", "benchmarks"]
default_role = "code"

# Inherited members have their page in scikit-learn's documentation.
autodoc_default_options = {"members": True, "show-inheritance": True}
autodoc_typehints = "none"
autodoc_member_order = "bysource"
autosummary_generate = True
napoleon_numpy_docstring = True
napoleon_google_docstring = False
napoleon_use_rtype = False

plot_include_source = True
plot_html_show_source_link = False
plot_html_show_formats = False
plot_formats = [("png", 110)]
plot_rcparams = {"figure.figsize": (6.4, 4.0), "figure.constrained_layout.use": True, "axes.spines.top": False}
plot_rcparams |= {"axes.spines.right": False}
plot_apply_rcparams = True

html_math_renderer = "mathml"  # browsers draw it by themselves, without a network
html_theme = "furo"
html_static_path, html_css_files = ["_static"], ["site.css"]
html_title = f"fastml {release}"
html_show_sourcelink = False
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True


def measured():
    """What the home page says of the benchmarks, by the last ratio of each work: see benchmarks/history.py."""
    ratios: dict = {}
    for line in (Path(__file__).parent / "benchmarks/history.jsonl").read_text(encoding="utf-8").splitlines():
        for work, peers in json.loads(line)["ratios"].items():
            ratios.setdefault(work, {}).update(peers)
    beside = [peers["scikit-learn"] for peers in ratios.values() if "scikit-learn" in peers]
    fastest = [min(peers.values()) for peers in ratios.values()]
    return {
        "works": len(ratios),
        "beside": len(beside),
        "median": f"{statistics.median(beside):.1f}",
        "faster": sum(ratio >= 1 for ratio in fastest),
    }


myst_substitutions = measured()


DESCRIBED = {"bsplines_", "idf_", "singular_"}  # properties that stand among the attributes of their class


def skip(app, what, name, member, skipped, options):
    """Leave out what metadata routing makes for every estimator, and an attribute that its class describes already."""
    return True if name in DESCRIBED or (name.startswith("set_") and name.endswith("_request")) else None


def pictures(app, docname, source):
    """matplotlib's plot directive speaks reStructuredText: hand a page's {plot} blocks over in that.

    A block that begins with "# picture" is shown without its code. Each gets a name of its own: the directive counts
    within a document, and every block is one.
    """
    numbers = itertools.count(1)

    def in_rst(block):
        alone = block[1].startswith("# picture")
        options = f"   :filename-prefix: {docname.replace('/', '-')}-{next(numbers)}\n"
        options += "   :include-source: false\n" if alone else ""
        return f"```{{eval-rst}}\n.. plot::\n{options}\n" + textwrap.indent(block[1], "   ") + "```"

    source[0] = re.sub(r"^```\{plot\}\n(.*?)^```", in_rst, source[0], flags=re.DOTALL | re.MULTILINE)


def keep_lines(app, what, name, obj, options, lines):
    """Show a docstring as it stands in the source, line by line, unless it has NumPy's sections."""
    in_sections = any(line.strip() and set(line.strip()) == {"-"} for line in lines)
    example, kept = False, []
    for line in lines:
        line = re.sub(r":ref:`([^`<]*?)\s*<[^`]*>`", r"\1", line)  # a place on scikit-learn's site
        example = line.lstrip().startswith(">>>") or (example and bool(line.strip()))
        if example or not line.strip():
            kept.append(line)
        elif in_sections:
            named = re.match(r"\s*[\w, ]+ : ", line)  # napoleon escapes the names of parameters by itself
            kept.append(line if named else re.sub(r"(\||\*\*|(?<=\w)_+\b(?![`.]))", r"\\\1", line))
        else:
            kept.append("| " + re.sub(r"([|*\\]|_\b)", r"\\\1", line))
    lines[:] = [*kept, ""]


def formula(display):
    def visit(self, node):
        self.body.append(latex2mathml.converter.convert(node.astext(), display=display))
        raise nodes.SkipNode

    return visit, None


def setup(app):
    app.add_html_math_renderer("mathml", formula("inline"), formula("block"))
    app.connect("autodoc-skip-member", skip)
    app.connect("source-read", pictures)
    app.connect("autodoc-process-docstring", keep_lines, priority=100)  # before NumPy's sections are read
