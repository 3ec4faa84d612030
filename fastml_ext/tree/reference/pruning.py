"""Which nodes of a tree become leaves, by definition."""

import numpy as np

from fastml_ext.tree.reference.applying import decision_path, parents

__all__ = ["cheapest_leaves", "first_stop", "subtree_sums", "truncate", "weakest_links"]


def first_stop(tree, stop):
    """(N,): the marked node nearest to the root among those above or at each node; the node itself if there is none."""
    indptr, paths = decision_path(tree, range(len(stop)))
    found = []
    for node in range(len(stop)):
        marked = [at for at in paths[indptr[node] : indptr[node + 1]] if stop[at]]
        found.append(marked[0] if marked else node)
    return np.array(found)


def subtree_sums(tree, values):
    """(N, m): for every node the sum of values (N, m) over itself and all nodes below it."""
    indptr, paths = decision_path(tree, range(len(values)))
    total = np.zeros(np.shape(values))
    for node in range(len(values)):
        for above in paths[indptr[node] : indptr[node + 1]]:
            total[above] += values[node]
    return total


def truncate(tree, stop):
    """The numbers of the nodes that stay, in order, if those marked in stop (N,) bool become leaves.

    The kernel returns the Tree of these nodes, numbered anew.
    """
    first = first_stop(tree, stop)
    return np.array([node for node in range(len(stop)) if first[node] == node])


def cheapest_leaves(tree, cost, slack=0.0):
    """(N,) bool: nodes that cost at most `slack` more as leaves than the cheapest pruning of their subtree; all leaves.

    cost (N,): of each node as a leaf | a tree costs the sum of its leaves
    """
    parent = parents(tree)
    children = [[i for i, p in enumerate(parent) if p == node] for node in range(len(parent))]

    def cheapest(node):
        below = sum(cheapest(child) for child in children[node])
        return below if children[node] and cost[node] > below + slack else cost[node]

    return np.array([not children[i] or cost[i] <= sum(map(cheapest, children[i])) + slack for i in range(len(parent))])


def weakest_links(tree):
    """(alpha (N,), path (m, 2)): cost-complexity pruning step by step (Breiman et al. 1984, section 3.3).

    The cost of a node is its impurity times its share of the weight. Each step cuts off the branches of the node t with
    the least (cost of t - cost of the leaves below t) / (number of these - 1), the lowest node of those that are equal
    but for the rounding of the sums (to within 2^-38); this is its alpha, and that of the nodes below it that still had
    branches; inf for leaves. path: (0, cost of the leaves), then (alpha, cost of the leaves) after every step.
    """
    parent = parents(tree)
    cost = tree.impurity * tree.weighted_n_node_samples / tree.weighted_n_node_samples[0]
    alpha, inner = np.full(len(parent), np.inf), [node in parent for node in range(len(parent))]

    def leaves(node):
        if not inner[node]:
            return [node]
        return [leaf for i, p in enumerate(parent) if p == node for leaf in leaves(i)]

    path = [(0.0, sum(cost[leaves(0)]))]
    while inner[0]:
        links = {
            t: (cost[t] - sum(cost[leaves(t)])) / (len(leaves(t)) - 1)
            for t in range(len(parent))
            if inner[t] and reached(t, parent, inner)
        }
        least = min(links.values())
        weakest = min(t for t in links if links[t] <= least + abs(least) * 2.0**-38)
        for node in range(len(parent)):
            if inner[node] and weakest in _ancestors(node, parent):
                alpha[node], inner[node] = links[weakest], False
        path.append((links[weakest], sum(cost[leaves(0)])))
    return alpha, np.array(path)


def _ancestors(node, parent):
    return [] if node < 0 else [node, *_ancestors(parent[node], parent)]


def reached(node, parent, inner):
    return all(inner[above] for above in _ancestors(parent[node], parent))
