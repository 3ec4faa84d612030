"""A tree in the languages of two programs that draw graphs: DOT of Graphviz, and Mermaid."""

import re
from html import escape
from typing import Any, NamedTuple

from fastml.markup import dot_text, mermaid_text
from fastml.tree.colours import shade
from fastml.tree.counterpart import counterpart, plain_names
from fastml.tree.view import check_depth, number, plain, truncated
from fastml.tree.view import view as view_of
from fastml.writing import replacing

__all__ = ["export_graphviz", "to_dot", "to_mermaid"]


def export_graphviz(
    decision_tree: Any,
    out_file: Any = None,
    *,
    max_depth: int | None = None,
    feature_names: Any = None,
    class_names: Any = None,
    label: str = "all",
    filled: bool = False,
    leaves_parallel: bool = False,
    impurity: bool = True,
    node_ids: bool = False,
    proportion: bool = False,
    rotate: bool = False,
    rounded: bool = False,
    special_characters: bool = False,
    precision: int = 3,
    fontname: str = "helvetica",
) -> Any:
    r"""A fitted tree in the DOT language, to the letter as scikit-learn's function writes it.

    Where that would not say all (categories, missing values, more than 300 levels) it is written as `to_dot` does:
    branches stand at their edges, since a node may have any number of them.

    Parameters
    ----------
    decision_tree : estimator
        A fitted decision tree, fastml's or scikit-learn's.
    out_file : file object or str, default=None
        Where the text is written; None returns it.
    max_depth : int, default=None
        Depth at which the rest is left out.
    feature_names, class_names : array-like of str, default=None
        Names to use instead of those the tree was fitted with; class names in the order of `classes_`.
    label : {"all", "root", "none"}, default="all"
        Which nodes say what their numbers are.
    filled, rounded : bool, default=False
        Whether nodes have the colour of their class, or of their number; whether their corners are round.
    leaves_parallel, rotate : bool, default=False
        Whether all leaves stand at the bottom; whether the tree grows from left to right.
    impurity, node_ids, proportion : bool, default=True, False, False
        Whether nodes show their impurity, their number, and shares in place of counts.
    special_characters : bool, default=False
        Accepted and without effect: every name is escaped for DOT.
    precision : int, default=3
        Decimals of the numbers.
    fontname : str, default="helvetica"
        Font of the text.

    Returns
    -------
    dot : str, or None if out_file is given

    Raises
    ------
    NotFittedError
        If the tree is not fitted.
    ValueError
        If there are not as many names as columns or classes, or an option has no such value.

    Examples
    --------
    >>> from fastml.tree import DecisionTreeClassifier, export_graphviz
    >>> tree = DecisionTreeClassifier().fit([[1.5], [2.5]], ["a", "b"])
    >>> print(export_graphviz(tree, feature_names=["size"], impurity=False, label="none"))
    digraph Tree {
    node [shape=box, fontname="helvetica"] ;
    edge [fontname="helvetica"] ;
    0 [label="size <= 2.0\n2\n[1, 1]"] ;
    1 [label="1\n[1, 0]"] ;
    0 -> 1 [labeldistance=2.5, labelangle=45, headlabel="True"] ;
    2 [label="1\n[0, 1]"] ;
    0 -> 2 [labeldistance=2.5, labelangle=-45, headlabel="False"] ;
    }
    """
    if label not in ("all", "root", "none"):
        raise ValueError(f"label={label!r} must be 'all', 'root' or 'none'")
    twin = counterpart(decision_tree)
    several = twin is not None and twin.tree_.n_outputs > 1
    view = None if several else view_of(decision_tree, feature_names, class_names)
    if feature_names is not None and not all(isinstance(name, str) for name in feature_names):
        raise ValueError(f"All feature names must be strings. feature_names is {list(feature_names)}")
    check_depth(max_depth)
    shown = Shown(
        max_depth, label, filled, leaves_parallel, impurity, node_ids, proportion, rotate, rounded, precision, fontname
    )
    if twin is None:
        text = dot_of(view, shown)
    else:
        text = as_scikit_learn(
            twin, feature_names, class_names, special_characters=special_characters, **shown._asdict()
        )
    if out_file is None:
        return text
    if hasattr(out_file, "write"):
        out_file.write(text)
        return None
    with replacing(out_file, "w", encoding="utf-8") as file:
        file.write(text)
    return None


def to_dot(
    decision_tree: Any,
    *,
    feature_names: Any = None,
    class_names: Any = None,
    max_depth: int | None = None,
    decimals: int = 2,
) -> str:
    """A fitted tree in the DOT language: `export_graphviz` with colours and round corners, and without impurities.

    Parameters are those of `export_graphviz`; decimals is its precision.

    Examples
    --------
    >>> from fastml.tree import DecisionTreeClassifier, to_dot
    >>> print(to_dot(DecisionTreeClassifier().fit([[1.5], [2.5]], ["a", "b"])).splitlines()[4])
    1 [label="samples = 1\\nvalue = [1, 0]\\nclass = a", fillcolor="#66aad1"];
    """
    view = view_of(decision_tree, feature_names, class_names)
    return dot_of(view, Shown(max_depth, filled=True, rounded=True, impurity=False, precision=decimals))


class Shown(NamedTuple):
    """What DOT shows; scikit-learn's parameters of these names."""

    max_depth: int | None = None
    label: str = "all"
    filled: bool = False
    leaves_parallel: bool = False
    impurity: bool = True
    node_ids: bool = False
    proportion: bool = False
    rotate: bool = False
    rounded: bool = False
    precision: int = 3
    fontname: str = "helvetica"


def as_scikit_learn(twin, feature_names, class_names, *, special_characters, fontname, **options):
    """What scikit-learn's function writes, with names that cannot end a label before its time."""
    from sklearn.tree import export_graphviz as theirs

    def safe(name):  # it escapes quotes, but neither what would escape its own escape nor HTML
        text = plain(name)
        return escape(text, quote=False) if special_characters else re.sub(r'\\+(?="|$)', r"\g<0>\g<0>", text)

    names = {"feature_names": plain_names(feature_names, safe), "class_names": plain_names(class_names, safe)}
    return theirs(twin, special_characters=special_characters, fontname=dot_text(fontname), **names, **options)


def dot_of(view, shown):
    """DOT with branches at their edges."""
    style = ", ".join([*["filled"] * bool(shown.filled), *["rounded"] * bool(shown.rounded)])
    style = f', style="{style}"' if style else ""
    lines = ["digraph Tree {", f'node [shape=box{style}, fontname="{dot_text(shown.fontname)}"];']
    lines += [f'edge [fontname="{dot_text(shown.fontname)}"];']
    lines += ["graph [ranksep=equally, splines=polyline];"] * shown.leaves_parallel + ["rankdir=LR;"] * shown.rotate
    leaves = []
    for node, parent, test in edges(view, shown.max_depth, shown.precision):
        colour = f', fillcolor="{shade(view, node)}"' if shown.filled else ""
        lines.append(f'{node} [label="{dot_text(node_lines(view, node, test is None, shown))}"{colour}];')
        if parent is not None:
            lines.append(f'{parent} -> {node} [label="{dot_text(test)}"];')
        leaves += [str(node)] * (len(view.branches(node)) == 0)
    lines += [f"{{rank=same; {'; '.join(leaves)}}};"] * shown.leaves_parallel + ["}"]
    return "\n".join(lines)


def to_mermaid(
    decision_tree: Any,
    *,
    feature_names: Any = None,
    class_names: Any = None,
    max_depth: int | None = None,
    decimals: int = 2,
) -> str:
    """A fitted tree as a flowchart in the Mermaid language, which GitHub and many notebooks draw.

    Parameters
    ----------
    decision_tree : estimator
        A fitted decision tree, fastml's or scikit-learn's.
    feature_names, class_names : array-like of str, default=None
        Names to use instead of those the tree was fitted with; class names in the order of `classes_`.
    max_depth : int, default=None
        Depth at which the rest is left out.
    decimals : int, default=2
        Decimals of the numbers.

    Returns
    -------
    mermaid : str

    Raises
    ------
    NotFittedError
        If the tree is not fitted.
    ValueError
        If there are not as many names as columns or classes.

    Examples
    --------
    >>> from fastml.tree import DecisionTreeClassifier, to_mermaid
    >>> print(to_mermaid(DecisionTreeClassifier().fit([[1.5], [2.5]], ["a", "b"]), feature_names=["size"]))
    flowchart TD
      n0["size"]
      n1(["a<br>1 sample, P = 1.00"])
      n0 -- "#lt;= 2.00" --> n1
      n2(["b<br>1 sample, P = 1.00"])
      n0 -- "#gt; 2.00" --> n2
      style n1 fill:#66aad1,color:#000
      style n2 fill:#f0c566,color:#000
    """
    view = view_of(decision_tree, feature_names, class_names)
    lines, styles = ["flowchart TD"], []
    cut = truncated(view, max_depth)
    for node, parent, test in edges(view, max_depth, decimals):
        if view.branches(node) and not cut[node]:
            lines.append(f'  n{node}["{mermaid_text(view.names[view.tree.feature[node]])}"]')
        else:
            share, n = view.share(node), int(view.tree.n_node_samples[node])
            words = f"{n} sample{'s' * (n != 1)}" + ("" if share is None else f", P = {number(share, decimals)}")
            answer = mermaid_text(view.answer_text(node, decimals)) + (" …" if cut[node] else "")
            lines.append(f'  n{node}(["{answer}<br>{words}"])')
            styles.append(f"  style n{node} fill:{shade(view, node)},color:#000")
        if parent is not None:
            lines.append(f'  n{parent} -- "{mermaid_text(test)}" --> n{node}')
    return "\n".join(lines + styles)


def edges(view, max_depth, decimals):
    """Yield (node, parent, words of the branch) in depth-first order; (0, None, None) for the root."""
    cut = truncated(view, max_depth)
    stack: list[tuple] = [(0, None, None)]
    while stack:
        node, parent, test = stack.pop()
        yield node, parent, test
        if not cut[node]:
            feature = view.tree.feature[node]
            for child, region in reversed(view.branches(node)):
                stack.append((child, node, view.says_short(feature, region, decimals)))


def node_lines(view, node, is_root, shown):
    """The lines of a node's box in DOT."""
    tree, named, precision = view.tree, shown.label == "all" or (shown.label == "root" and is_root), shown.precision
    n, value = int(tree.n_node_samples[node]), tree.value[node, 0]
    lines = [f"node #{node}"] * bool(shown.node_ids)
    if tree.kind[node]:
        lines.append(view.names[tree.feature[node]])
    if shown.impurity:
        lines.append((f"{view.criterion} = " if named else "") + number(float(tree.impurity[node]), precision))
    samples = f"{100 * n / tree.n_node_samples[0]:.1f}%" if shown.proportion else str(n)
    lines.append(("samples = " if named else "") + samples)
    if view.classes is None:
        lines.append(("value = " if named else "") + number(value.item(), precision))
    else:
        counts = value if shown.proportion else value * tree.weighted_n_node_samples[node]
        numbers = ", ".join(number(x, precision) if shown.proportion else f"{x:.6g}" for x in counts.tolist())
        lines.append(("value = " if named else "") + f"[{numbers}]")
        lines.append(("class = " if named else "") + view.answer_text(node))
    return "\n".join(lines)
