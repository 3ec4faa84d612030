"""Colours of classes, the same in every picture of a tree."""

__all__ = ["HUES", "class_colours", "mix", "shade"]

# Okabe and Ito 2008, told apart by the colour-blind; yellow and black left to the text and its paper.
HUES = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#8c6bb1", "#7f7f7f", "#b2a000", "#a6611a"]
NUMBERS = "#e3eef6", "#2b7bba"  # of the lowest and the highest prediction of a regression tree


def class_colours(n):
    """n colours, one for each class; they come again after ten."""
    return [HUES[k % len(HUES)] for k in range(n)]


def mix(low, high, share):
    """The colour that lies `share` of the way from low to high.

    >>> mix("#000000", "#ff8000", 0.5)
    '#804000'
    """
    pairs = zip(bytes.fromhex(low[1:]), bytes.fromhex(high[1:]), strict=True)
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in pairs)


def shade(view, node):
    """The colour of a node: of its class, the paler the smaller its share; of a number, by its place in the range."""
    value = view.tree.value[node, 0]
    if view.classes is None:
        low, high = view.tree.value[:, 0, 0].min(), view.tree.value[:, 0, 0].max()
        span = high / 2 - low / 2
        return mix(*NUMBERS, float((value[0] / 2 - low / 2) / span) if span > 0 else 0.5)
    floor = 1 / len(value)
    strength = 1.0 if len(value) == 1 else float((value.max() - floor) / (1 - floor))
    return mix("#ffffff", class_colours(len(value))[value.argmax()], 0.15 + 0.45 * strength)
