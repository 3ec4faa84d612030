"""Where the boxes of a tree stand in a picture; lengths are in widths of the letter m, y grows downwards."""

import unicodedata
from typing import NamedTuple

from fastml.tree.colours import HUES, class_colours, shade
from fastml.tree.view import number, truncated
from fastml_ext.tree.structure import LEAF

__all__ = ["Box", "Options", "Scene", "scene"]

LINE, PAD, BAR, GAP = 1.35, 0.5, 0.45, 0.7  # heights of a line and of the bar of shares; space in and between boxes
SMALL = 0.85  # size of all text but the titles
ROOM = 26  # letters of a list of categories at an edge
WIDE = 1.6  # width over height of the page that a tree of orientation "auto" should fill


class Options(NamedTuple):
    """What the boxes show; scikit-learn's parameters of these names."""

    max_depth: int | None = None
    label: str = "all"
    impurity: bool = False
    node_ids: bool = False
    proportion: bool = False
    precision: int = 2
    criterion: str = "impurity"
    orientation: str = "auto"


class Box(NamedTuple):
    """A node in the picture: its corner, its size, its words, and the words at the edge that leads to it."""

    node: int
    parent: int | None
    title: str
    lines: list[str]
    test: str  # at the edge
    x: float
    y: float
    width: float
    height: float
    colour: str
    shares: list[tuple[float, str]]  # of the classes, with their colours
    cut: bool
    turn: float = 0.0  # where the line to it turns


class Scene(NamedTuple):
    width: float
    height: float
    sideways: bool
    boxes: dict[int, Box]
    legend: list[tuple[str, str]]  # label, colour


def scene(view, options):
    """The picture of a tree; of orientation "auto" the one that fills a page with the larger letters."""
    if options.orientation != "auto":
        return scene_of(view, options)
    both = [scene_of(view, options._replace(orientation=orientation)) for orientation in ("down", "right")]
    return min(both, key=lambda drawn: max(drawn.width / WIDE, drawn.height))


def scene_of(view, options):
    nodes, children, tests = visible(view, options)
    sideways = options.orientation == "right"
    boxes = {node: draft(view, node, tests, options, bool(children[node])) for node in nodes}
    level = {0: 0}
    for node in nodes:
        for child in children[node]:
            level[child] = level[node] + 1
    if sideways:
        breadth = {node: box.height for node, box in boxes.items()}
    else:
        breadth = {node: max(box.width, text_width(box.test, SMALL)) for node, box in boxes.items()}
    middle = spread(nodes, children, breadth)
    boxes = place(boxes, level, middle, sideways)
    width = max(box.x + (box.width + (box.width if sideways else breadth[node])) / 2 for node, box in boxes.items())
    height = max(box.y + box.height for box in boxes.values())
    told = view.classes is not None and len(view.classes) <= len(HUES)  # more classes than colours: leaves name them
    legend = [] if not told else list(zip(view.labels, class_colours(len(view.labels)), strict=True))
    return Scene(width, height, sideways, boxes, legend)


def visible(view, options):
    """(nodes in depth-first order, {node: children}, {node: (parent, words of its branch)})."""
    cut = truncated(view, options.max_depth)
    nodes, children, stack = [], {}, [0]
    tests: dict[int, tuple] = {0: (None, "")}
    while stack:
        node = stack.pop()
        nodes.append(node)
        branches = [] if cut[node] else view.branches(node)
        children[node] = [child for child, _ in branches]
        for child, region in branches:
            words = view.says_short(view.tree.feature[node], region, options.precision, room=ROOM)
            tests[child] = node, words.replace("<=", "≤")
        stack += reversed(children[node])
    return nodes, children, tests


def draft(view, node, tests, options, inner):
    """The box of a node before it has a place."""
    tree = view.tree
    parent, test = tests[node]
    cut = bool(not inner and tree.kind[node] != LEAF)
    title = view.names[tree.feature[node]] if inner else view.answer_text(node, options.precision) + " …" * cut
    named = options.label == "all" or (options.label == "root" and node == 0)
    n, share = int(tree.n_node_samples[node]), view.share(node)
    if options.proportion:
        words = [f"{100 * n / int(tree.n_node_samples[0]):.1f} %" + " of samples" * named]
    else:
        words = [f"{n}" + (" sample" + "s" * (n != 1)) * named]
    if not inner and share is not None:
        words.append(("P " * named) + number(share, options.precision))
    lines = [", ".join(words)]
    if options.impurity and inner:
        lines.append((f"{options.criterion} " * named) + number(float(tree.impurity[node]), options.precision))
    if options.node_ids:
        lines.append(f"#{node}")
    width = max([text_width(title, 1.08), *(text_width(line, SMALL) for line in lines)]) + 2 * PAD
    height = LINE * (1 + SMALL * len(lines)) + BAR + PAD
    colours = [] if view.classes is None else class_colours(len(view.classes))
    shares = list(zip(tree.value[node, 0].tolist(), colours, strict=True)) if colours else []
    return Box(node, parent, title, lines, test, 0, 0, width, height, shade(view, node), shares, cut)


def spread(nodes, children, breadth):
    """{node: middle} across the direction of growth: subtrees as close as their outlines allow, parents in the middle.

    Reingold and Tilford 1981, for any number of children and boxes of any breadth.
    """
    offset, outline = {0: 0.0}, dict[int, list]()
    for node in reversed(nodes):
        outer, shift = list[tuple](), []
        for child in children[node]:
            inner = outline.pop(child)
            by = max((last[1] - first[0] for last, first in zip(outer, inner, strict=False)), default=0.0)
            by += GAP if outer else 0.0
            shift.append(by)
            moved = [(low + by, high + by) for low, high in inner]
            both = [(old[0], new[1]) for old, new in zip(outer, moved, strict=False)]
            outer = both + outer[len(both) :] + moved[len(both) :]
        centre = (shift[0] + shift[-1]) / 2 if shift else 0.0
        for child, by in zip(children[node], shift, strict=True):
            offset[child] = by - centre
        half = breadth[node] / 2
        outline[node] = [(-half, half), *((low - centre, high - centre) for low, high in outer)]
    middle = {0: 0.0}
    for node in nodes:
        for child in children[node]:
            middle[child] = middle[node] + offset[child]
    first = min(low for low, _ in outline[0])
    return {node: at - first for node, at in middle.items()}


def place(boxes, level, middle, sideways):
    """The boxes in their places: level by level, with room for the words at the edges between."""
    depth = [0.0] * (max(level.values()) + 2)
    before = [0.0] * (max(level.values()) + 1)
    for node, at in level.items():
        box = boxes[node]
        depth[at] = max(depth[at], box.width if sideways else box.height)
        words = (text_width(box.test, SMALL) + 2.2 * GAP if sideways else SMALL * LINE + 1.6 * GAP) if at else 0.0
        before[at] = max(before[at], words)
    start = list[float]()
    for at in range(len(before)):
        start.append(before[at] + (start[-1] + depth[at - 1] if at else 0.0))
    placed = {}
    for node, box in boxes.items():
        if sideways:
            x = start[level[node]]
            turn = x - before[level[node]] + 0.6 * GAP
            placed[node] = box._replace(x=x, y=middle[node] - box.height / 2, turn=turn)
        else:
            placed[node] = box._replace(x=middle[node] - box.width / 2, y=start[level[node]])
    return placed


def text_width(text, size=1.0):
    """About how wide a line of text is in a sans-serif font, rather too much than too little."""
    return size * sum(map(letter_width, text))


def letter_width(letter):
    if unicodedata.east_asian_width(letter) in "WF":
        return 1.05
    if letter in "iljtfr.,:;'|! ()[]{}I":
        return 0.38
    return 0.9 if letter in "mwMW%@…" else 0.72 if letter.isupper() or letter in "<>=≤" else 0.63
