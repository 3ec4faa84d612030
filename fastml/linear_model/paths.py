"""Logistic regression for many strengths of the penalty: what is known of second derivatives serves all of them.

Along a path of C the loss's change slowly, and the penalty's are known: the sum leads nearly to the optimum of the next
C, from a point to which the two optima before it lead. On small tables, where their inverse costs more than a few
passes, the last steps of L-BFGS stand for it, with the penalty's change in them.
"""

import numpy as np

from fastml.linear_model import quasi

__all__ = ["solutions"]

FARTHEST = 2.0  # times the last stretch is the next one drawn out at most
CHEAP = 3.0  # passes: as long as an inverse may take


def solutions(objective, passes, strengths, tol, max_iter):
    """A `Solution` for l2 = each of `strengths`, in order; each begins where those before it lead."""
    u, before, gone, curves, memory, spent = np.zeros(objective.k * (objective.d + 1)), None, 0.0, None, None, 0
    cheap = passes.inverse_time <= CHEAP
    for l2, last in zip(strengths, [strengths[0], *strengths[:-1]], strict=True):
        stretch, penalty = abs(np.log(l2 / last)), passes.l2
        passes.strengthen(l2)
        if memory is not None:
            inverse = quasi.blocks(H + np.diag(passes.l2) for H in curves) if curves else None
            memory.strengthen(np.tile(passes.l2 - penalty, objective.k), inverse)
        drawn = min(stretch / gone, FARTHEST) if before is not None and gone > 0 else 0.0
        start = u + drawn * (u - before) if drawn else u
        found = quasi.lbfgs(objective, start, tol, max_iter, memory is not None, passes=passes, memory=memory)
        yield found
        u, before, gone, spent = found.u, u if memory is not None else None, stretch, spent + max(0, found.n_iter - 1)
        memory = found.memory
        if cheap and (curves is None or spent > passes.wait):
            curves, spent = [passes.hessian(c) - np.diag(passes.l2) for c in range(objective.k)], 0
