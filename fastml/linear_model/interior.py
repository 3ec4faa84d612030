"""The optimum of Crammer and Singer's hinge by an interior point method, where coordinates take thousands of sweeps.

    least over W, xi >= 0 of  |W|^2 / 2 + sum_i cost_i xi_i   where every margin of row i is at least 1 - xi_i

A row has a margin for each rival of its own class. S. Mehrotra, On the
implementation of a primal-dual interior point method, SIAM J. Optim. 2 (1992); M. Ferris, T. Munson, Interior-point
methods for massive support vector machines, SIAM J. Optim. 13 (2002).
"""

import numpy as np
import scipy.linalg

__all__ = ["Together", "interior_point"]

STEPS = 100
NEAR = 0.995  # of the way to the nearest bound
SMALLEST = 1e-300


class Together:
    """Rows Z (n, p) and codes (n,) of k classes; W is (k, p), and the rivals' margins stand in (n, k)."""

    def __init__(self, Z, codes, k):
        self.Z, self.codes, self.shape = Z, codes, (k, Z.shape[1])
        self.rivals = np.arange(k) != codes[:, None]

    def margins(self, W):
        scores = self.Z @ W.T
        return np.take_along_axis(scores, self.codes[:, None], axis=1) - scores

    def back(self, duals):
        moves = -duals
        np.put_along_axis(moves, self.codes[:, None], duals.sum(axis=1, keepdims=True), axis=1)
        return moves.T @ self.Z

    def solver(self, e, ground):
        """right -> (I + A' B A)^-1 right, B = diag(e) - e e' / (ground + sum e) in a row's rivals, A all margins."""
        (k, p), total = self.shape, e.sum(axis=1)
        share = 1.0 / (ground + total)
        signed = -e
        np.put_along_axis(signed, self.codes[:, None], total[:, None], axis=1)  # E' e
        H = np.zeros((k, p, k, p))
        for a in range(k):
            for b in range(a + 1):
                if a == b:
                    curve = np.where(self.codes == a, total, e[:, a])
                else:
                    curve = -np.where(self.codes == a, e[:, b], np.where(self.codes == b, e[:, a], 0.0))
                H[a, :, b] = self.Z.T @ ((curve - share * signed[:, a] * signed[:, b])[:, None] * self.Z)
                H[b, :, a] = H[a, :, b]
        solve = factored(np.eye(k * p) + H.reshape(k * p, k * p))
        return lambda right: solve(right.ravel()).reshape(k, p)


def factored(H):
    """right -> H^-1 right, by Cholesky factors of H with a diagonal of ones."""
    size = np.sqrt(np.diag(H))
    unit = H / np.outer(size, size)
    unit[np.diag_indices_from(unit)] += 1e-15
    factor = scipy.linalg.cho_factor(unit, lower=True, check_finite=False)
    return lambda right: scipy.linalg.cho_solve(factor, right / size, check_finite=False) / size


def interior_point(problem, cost, tol):
    """(W, duals (n, r), gap, steps), the duals those of the margins, 0 to cost; until gap <= tol * objective.

    Every cost is above 0. The weights are near `problem.back(duals)`, and no others are better by more than the gap.
    """
    rivals, W = problem.rivals, np.zeros(problem.shape)
    count = rivals.sum(axis=1)
    duals = np.where(rivals, (cost / (count + 1))[:, None], 0.0)  # of the margins; those of xi are cost - their sum
    rest, slack, xi = cost / (count + 1), np.ones(rivals.shape), np.full(len(cost), 2.0)
    best, found, steps = np.inf, (W, duals), 0
    while steps < STEPS:
        primal, dual = objectives(problem, W, duals, cost)
        if primal - dual < best:
            best, found = primal - dual, (W, duals)
        if best <= tol * abs(primal) or not np.isfinite(primal):
            break
        try:
            with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
                moved = one_step(problem, W, duals, slack, xi, rest)
        except scipy.linalg.LinAlgError:
            break
        if moved is None or not all(np.isfinite(part).all() for part in moved):
            break
        (W, duals, slack, xi, rest), steps = moved, steps + 1
    return *found, best, steps


@np.errstate(over="ignore", invalid="ignore")  # of huge costs: the gap is infinite then, and proves nothing
def objectives(problem, W, duals, cost):
    """(primal at W, dual at the duals, drawn back to what their costs allow)."""
    duals = duals * np.minimum(1.0, cost / np.maximum(duals.sum(axis=1), SMALLEST))[:, None]
    short = np.where(problem.rivals, 1.0 - problem.margins(W), 0.0).max(axis=1)
    return np.sum(W**2) / 2 + cost @ np.maximum(short, 0.0), duals.sum() - np.sum(problem.back(duals) ** 2) / 2


def one_step(problem, W, duals, slack, xi, rest):
    """Predictor and corrector; None once no step of any length is left."""
    rivals, n = problem.rivals, problem.rivals.sum() + len(xi)
    e, ground = np.where(rivals, duals / slack, 0.0), rest / xi
    solve = problem.solver(e, ground)
    short = np.where(rivals, problem.margins(W) - 1.0 + xi[:, None] - slack, 0.0)
    gone = problem.back(duals) - W

    def direction(of_margins, of_xi):
        """The Newton step towards complementarity products given by their changes."""
        q = np.where(rivals, -short - (of_xi / rest)[:, None] + of_margins / np.maximum(duals, SMALLEST), 0.0)
        weighed = e * q
        inner = weighed - e * (weighed.sum(axis=1) / (ground + e.sum(axis=1)))[:, None]
        dW = solve(gone + problem.back(inner))
        q = np.where(rivals, q - problem.margins(dW), 0.0)
        weighed = e * q
        d_duals = weighed - e * (weighed.sum(axis=1) / (ground + e.sum(axis=1)))[:, None]
        d_slack = np.where(rivals, (of_margins - slack * d_duals) / np.maximum(duals, SMALLEST), 0.0)
        d_rest = -d_duals.sum(axis=1)
        return dW, d_duals, d_slack, (of_xi - xi * d_rest) / rest, d_rest

    def longest(d_duals, d_slack, d_xi, d_rest):
        length = 1.0
        for at, move in (
            (duals[rivals], d_duals[rivals]),
            (slack[rivals], d_slack[rivals]),
            (xi, d_xi),
            (rest, d_rest),
        ):
            down = move < 0
            if down.any():
                length = min(length, NEAR * float((-at[down] / move[down]).min()))
        return length

    product = np.where(rivals, duals * slack, 0.0)
    centre = (product.sum() + rest @ xi) / n
    _, *parts = direction(-product, -rest * xi)
    t = longest(*parts)
    d_duals, d_slack, d_xi, d_rest = parts
    ahead = (((duals + t * d_duals) * (slack + t * d_slack))[rivals].sum() + (rest + t * d_rest) @ (xi + t * d_xi)) / n
    goal = (ahead / centre) ** 3 * centre
    dW, *parts = direction(np.where(rivals, goal - product - d_duals * d_slack, 0.0), goal - rest * xi - d_rest * d_xi)
    t = longest(*parts)
    if not t > 1e-12:
        return None
    return (
        W + t * dW,
        np.where(rivals, duals + t * parts[0], 0.0),
        slack + t * parts[1],
        xi + t * parts[2],
        rest + t * parts[3],
    )
