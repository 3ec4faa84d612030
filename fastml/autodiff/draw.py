"""Pictures of a graph: rectangles with the function inside and the name outside, bare arrows, values below."""

import numpy as np

from fastml.autodiff.graph import CONSTANT, INPUT, Values
from fastml.autodiff.layout import place
from fastml.autodiff.rewrite import live
from fastml.markup import dot_text, html_text, math_free, mermaid_text

__all__ = ["plot", "to_dot", "to_html", "to_mermaid"]

MOST = 400  # nodes that can still be told apart
VALUE, GRADIENT = "#0b5394", "#b45309"
WIDTH, HEIGHT, ACROSS, DOWN = 68, 28, 124, 84  # of a rectangle, and from one to the next, in pixels


def _shown(graph):
    needed = live(graph, graph.outputs or [graph.result])
    shown = [k for k in range(len(graph)) if needed[k] or graph.ops[k] is INPUT]
    if len(shown) > MOST:
        raise ValueError(
            f"a picture of {len(shown)} nodes cannot be read: the limit is {MOST}; print(graph) lists them"
        )
    return shown


def _inside(graph, k):
    return "input" if graph.ops[k] is INPUT else graph.function_text(k)


def _below(graph, k, values, gradients):
    """The lines of the overlay: [(text, colour)]."""
    lines = []
    for source, sign, colour in ((values, "", VALUE), (gradients, "∂ ", GRADIENT)):
        if source is not None and graph.ops[k] is not CONSTANT:
            entries = source.values if isinstance(source, Values) else source
            lines.append((sign + _brief(entries[k]), colour))
    return lines


def _brief(value):
    """A number, or the shape of an array and the size of its entries: their root mean square."""
    value = np.asarray(value)
    if value.shape == ():
        return f"{value.item():.6g}"
    size = np.sqrt(np.mean(np.square(value, dtype=float))) if value.size else 0.0
    return f"{'×'.join(map(str, value.shape))}, rms {size:.3g}"


def _placed(graph, shown):
    """(node -> (x, y) of its middle, corners of each edge, columns, rows), in pixels from the upper left."""
    positions, edges = place(graph, shown)
    middle = {k: ((c + 0.5) * ACROSS, (h + 0.5) * DOWN) for k, (c, h) in positions.items()}
    drawn = []
    for points in edges:
        corners = []  # level past the rectangles and their labels, slanting between columns only
        for c, h in points:
            x, y = (c + 0.5) * ACROSS, (h + 0.5) * DOWN
            corners += [(x - WIDTH / 2, y), (x + WIDTH / 2, y)]
        drawn.append(corners[1:-1])
    rows = 1 + max((h for points in edges for _, h in points), default=0)
    return middle, drawn, 1 + max((c for c, _ in positions.values()), default=0), rows


def to_dot(graph, values=None, gradients=None):
    """Graphviz source.

    >>> from fastml import autodiff as ad
    >>> print(ad.trace(lambda x: ad.exp(x), 1.0).to_dot())
    digraph {
      rankdir=LR; node [shape=box]; edge [arrowsize=0.6];
      n0 [label="input", xlabel="x"];
      n1 [label="exp"];
      n0 -> n1;
    }
    """
    lines = ["digraph {", "  rankdir=LR; node [shape=box]; edge [arrowsize=0.6];"]
    shown = _shown(graph)
    for k in shown:
        outside = [graph.names[k]] if k in graph.names else []
        outside += [text for text, _ in _below(graph, k, values, gradients)]
        label = f', xlabel="{dot_text(chr(10).join(outside))}"' if outside else ""
        lines.append(f'  n{k} [label="{dot_text(_inside(graph, k))}"{label}];')
    lines += [f"  n{i} -> n{k};" for k in shown for i in dict.fromkeys(graph.args[k])]
    return "\n".join([*lines, "}"])


def to_mermaid(graph, values=None, gradients=None):
    """Mermaid source; a named node stands in a frame that carries its name, values and gradient.

    >>> from fastml import autodiff as ad
    >>> print(ad.trace(lambda x: ad.exp(x), 1.0).to_mermaid())
    flowchart LR
      subgraph s0["x"]
        n0["input"]
      end
      n1["exp"]
      n0 --> n1
    """
    lines, shown = ["flowchart LR"], _shown(graph)
    for k in shown:
        node = f'n{k}["{mermaid_text(_inside(graph, k))}"]'
        outside = [graph.names[k]] if k in graph.names else []
        outside += [text for text, _ in _below(graph, k, values, gradients)]
        if outside:
            title = "<br/>".join(mermaid_text(text) for text in outside)
            lines += [f'  subgraph s{k}["{title}"]', f"    {node}", "  end"]
        else:
            lines.append(f"  {node}")
    lines += [f"  n{i} --> n{k}" for k in shown for i in dict.fromkeys(graph.args[k])]
    return "\n".join(lines)


def to_html(graph, values=None, gradients=None):
    """The picture as an SVG element, which notebooks show; the table as text where it is too large for one."""
    try:
        shown = _shown(graph)
    except ValueError:
        return f"<pre>{html_text(graph.table())}</pre>"
    positions, edges, columns, rows = _placed(graph, shown)
    width, height = f"{columns * ACROSS:.0f}", f"{rows * DOWN:.0f}"
    size = f'width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="12" text-anchor="middle">'
    ]
    out.append(
        '<defs><marker id="arrow" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0 0 8 4 0 8z" fill="#555"/></marker></defs>'
    )
    for corners in edges:
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in corners)
        out.append(f'<polyline points="{path}" fill="none" stroke="#555" marker-end="url(#arrow)"/>')
    for k, (x, y) in positions.items():
        out.append(
            f'<rect x="{x - WIDTH / 2:.1f}" y="{y - HEIGHT / 2:.1f}" width="{WIDTH}" height="{HEIGHT}"'
            ' fill="#fff" stroke="#333"/>'
            f'<text x="{x:.1f}" y="{y + 4:.1f}">{html_text(_inside(graph, k))}</text>'
        )
        if k in graph.names:
            out.append(
                f'<text x="{x:.1f}" y="{y - HEIGHT / 2 - 5:.1f}" font-style="italic">{html_text(graph.names[k])}</text>'
            )
        for line, (text, colour) in enumerate(_below(graph, k, values, gradients)):
            below = y + HEIGHT / 2 + 13 + 13 * line
            out.append(f'<text x="{x:.1f}" y="{below:.1f}" fill="{colour}" font-size="11">{html_text(text)}</text>')
    return "\n".join([*out, "</svg>"])


def plot(graph, values=None, gradients=None, ax=None):
    """The picture with matplotlib; returns the axes. Values are drawn in blue, gradients in orange behind a ∂."""
    try:
        import matplotlib.pyplot as plt
        from matplotlib.patches import Rectangle
    except ImportError:
        raise ImportError("this needs matplotlib, which is not installed: pip install matplotlib") from None
    positions, edges, columns, rows = _placed(graph, _shown(graph))
    if ax is None:
        _, ax = plt.subplots(figsize=(columns * ACROSS / 72, rows * DOWN / 72))
    arrow = {"arrowstyle": "-|>", "color": "#555", "linewidth": 1, "shrinkA": 0, "shrinkB": 0, "mutation_scale": 9}
    for corners in edges:
        xs, ys = zip(*corners, strict=True)
        ax.plot(xs[:-1], ys[:-1], color="#555", linewidth=1, zorder=1)
        ax.annotate("", xy=(xs[-1], ys[-1]), xytext=(xs[-2], ys[-2]), arrowprops=arrow, zorder=1)
    for k, (x, y) in positions.items():
        ax.add_patch(
            Rectangle((x - WIDTH / 2, y - HEIGHT / 2), WIDTH, HEIGHT, facecolor="white", edgecolor="#333", zorder=2)
        )
        ax.text(x, y, math_free(_inside(graph, k)), ha="center", va="center", fontsize=9, zorder=3)
        if k in graph.names:
            ax.text(
                x,
                y - HEIGHT / 2 - 4,
                math_free(graph.names[k]),
                ha="center",
                va="bottom",
                fontsize=9,
                style="italic",
                zorder=3,
            )
        for line, (text, colour) in enumerate(_below(graph, k, values, gradients)):
            ax.text(x, y + HEIGHT / 2 + 4 + 12 * line, text, ha="center", va="top", fontsize=8, color=colour, zorder=3)
    ax.set_xlim(0, columns * ACROSS)
    ax.set_ylim(rows * DOWN, 0)
    ax.set_aspect("equal")
    ax.set_axis_off()
    return ax
