"""Pictures: what they must contain, and that rectangles and lines keep apart."""

import itertools
import re
import xml.dom.minidom
import xml.etree.ElementTree

import numpy as np
import pytest

from fastml import autodiff as ad
from fastml.autodiff.layout import place


def example():
    graph = ad.Graph()
    x, z = graph.variable("x"), graph.variable("z")
    a = (x * z).named("a")
    b = ad.log(x).named("b")
    (ad.exp(a) + a / b + ad.sin(b) / a + ad.where(x < z, 1.0, 2.0)).named("f")
    values = graph.forward(x=2.0, z=3.0)
    return graph, values, graph.backward()


def test_dot():
    graph, values, gradients = example()
    text = graph.to_dot(values, gradients)
    assert 'n2 [label="×", xlabel="a\\n6\\n∂ 404.854"];' in text
    assert "n0 -> n2;" in text
    assert text.count("->") == sum(len(set(args)) for args in graph.args)
    assert "label=" not in text.split("edge [")[1].split("]")[0]  # edges are bare
    assert "6" not in graph.to_dot().split("n2 [")[1].split("]")[0].split("label")[1]


def test_mermaid():
    graph, values, gradients = example()
    lines = graph.to_mermaid(values, gradients).splitlines()
    assert lines[0] == "flowchart LR"
    assert '  subgraph s2["a<br/>6<br/>∂ 404.854"]' in lines
    assert '    n2["×"]' in lines
    assert "  n0 --> n2" in lines
    assert any("#lt;" in line for line in lines)  # the comparison is escaped


def test_html_is_well_formed():
    graph, values, gradients = example()
    page = xml.dom.minidom.parseString(graph.to_html(values, gradients))
    rectangles, texts = page.getElementsByTagName("rect"), page.getElementsByTagName("text")
    assert len(rectangles) == len(graph)
    words = [t.firstChild.data for t in texts if t.firstChild]
    assert {"×", "a", "6", "∂ 404.854", "f"} <= set(words)
    assert len(page.getElementsByTagName("polyline")) == sum(len(set(args)) for args in graph.args)
    assert graph._repr_html_().startswith("<svg")


def test_matplotlib():
    plt = pytest.importorskip("matplotlib.pyplot")
    graph, values, gradients = example()
    ax = graph.plot(values, gradients)
    assert {"×", "a", "6", "∂ 404.854"} <= {t.get_text() for t in ax.texts}
    assert len(ax.patches) == len(graph)
    same = graph.plot(ax=ax)
    assert same is ax
    ax.figure.canvas.draw()
    plt.close(ax.figure)


def test_arrays_show_shape_and_size():
    graph = ad.trace(lambda w: ad.sum(w * w), np.ones((2, 3)))
    values = graph.forward(np.full((2, 3), 3.0))
    assert "2×3, rms 3" in graph.to_dot(values)


def test_large_graphs_are_refused_but_shown_as_a_table_in_notebooks():
    graph = ad.Graph()
    x = graph.variable("x")
    for _ in range(500):
        x = ad.sin(x)
    with pytest.raises(ValueError, match=r"a picture of 501 nodes cannot be read: the limit is 400; print\(graph\)"):
        graph.to_dot()
    assert graph._repr_html_().startswith("<pre>node")


def test_layers_run_forwards_and_nothing_overlaps():
    graph, _, _ = example()
    positions, edges = place(graph, list(range(len(graph))))
    for k, args in enumerate(graph.args):
        assert all(positions[i][0] < positions[k][0] for i in args)
    for (_, (c, h)), (_, (d, g)) in itertools.combinations(positions.items(), 2):
        assert c != d or abs(h - g) >= 1 - 1e-9
    for stops in edges:
        assert [c for c, _ in stops] == list(range(stops[0][0], stops[-1][0] + 1))
        for c, h in stops[1:-1]:
            assert all(d != c or abs(h - g) >= 0.8 - 1e-9 for d, g in positions.values())


def test_names_with_quotes_are_escaped():
    graph = ad.Graph()
    graph.variable('say "x" & <y>')
    graph.output(graph.node(0) * 2.0)
    assert re.search(r'xlabel="say \\"x\\" & <y>"', graph.to_dot())
    xml.dom.minidom.parseString(graph.to_html())


HOSTILE = [
    'a"]; evil [label="x',
    "end\\",
    "\\N \\G \\",
    "line\nbreak\r\nend",
    "</text><script>alert(1)</script>",
    "]]> --> %%{init: {}}%%",
    'x"]\n  click n0 "javascript:alert(1)"',
    "`code` #quot; &quot; &#60;",
    "$\\frac{$ and $$x$$",
    "_hidden",
    "nul\x00 bell\x07 esc\x1b del\x7f",
    "half \ud800 of a pair",
    "end\nsubgraph s9",
]
DOT_LINE = re.compile(
    r"digraph \{|\}|  rankdir=LR; node \[shape=box\]; edge \[arrowsize=0\.6\];|  n\d+ -> n\d+;"
    r'|  n\d+ \[label="(?:[^"\\]|\\.)*"(?:, xlabel="(?:[^"\\]|\\.)*")?\];'
)
MERMAID_LINE = re.compile(r'flowchart LR|  end|  n\d+ --> n\d+|  (?:  )?(?:subgraph s|n)\d+\["[^"`$%{}\\]*"\]')


@pytest.mark.parametrize("name", HOSTILE)
def test_names_are_nothing_but_names(name):
    """Whatever a name holds, the pictures have the same nodes and edges, by the rules of their languages."""
    pictures = []
    for given in (name, "x"):
        graph = ad.Graph()
        x = graph.variable(given)
        graph.output(ad.sin(x) * x)
        values = graph.forward({given: 0.5})
        pictures.append((graph.to_dot(values), graph.to_mermaid(values), graph.to_html(values)))
    (dot, mermaid, svg), (plain_dot, plain_mermaid, plain_svg) = pictures
    assert all(DOT_LINE.fullmatch(line) for line in dot.split("\n"))
    assert dot.count("\n") == plain_dot.count("\n")
    assert all(MERMAID_LINE.fullmatch(line) for line in mermaid.split("\n"))
    assert mermaid.count("\n") == plain_mermaid.count("\n")
    tags = [[element.tag for element in xml.etree.ElementTree.fromstring(text).iter()] for text in (svg, plain_svg)]
    assert tags[0] == tags[1]
    for text in (dot, mermaid, svg):
        text.encode("utf-8")
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f]", text)
    plt = pytest.importorskip("matplotlib.pyplot")
    graph = ad.Graph()
    graph.output(graph.variable(name) * 2.0)
    axes = graph.plot()
    axes.figure.canvas.draw()  # formulas are read here
    plt.close("all")
