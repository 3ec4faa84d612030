"""Who is near a point on a line or in a plane, for estimates of mutual information. Contract: reference.py.

On a line the k nearest stand side by side once the points are sorted. In the plane the points are cut, by the order of
x, into strips, and each strip is sorted by y: a search walks up and down in its own strip, and in those to the left and
right that can still hold something nearer.
"""

import numpy as np

from fastml_ext import pool
from fastml_ext.jit import kernel_exact

__all__ = ["near_both", "near_own"]

LINE, PLANE = 60.0, 250.0  # nanoseconds a point
FEWEST, WIDTH = 32, 1.7  # points in a strip: the k nearest then lie in one strip or two


def near_own(x, codes, n_classes, k, n_jobs=None):
    n = len(x)
    order = np.argsort(x)
    line, counts = x[order], np.empty(n, np.int64)
    ends = np.cumsum(np.bincount(codes, minlength=n_classes))
    places, values = np.empty(n, np.int64), np.empty(n)
    group(order, line, codes, ends - np.bincount(codes, minlength=n_classes), places, values)
    arrays = line, order, codes, ends, places, values, k, counts
    pool.run(count_own, n, *arrays, cost=LINE, n_jobs=n_jobs)
    return counts


@kernel_exact
def group(order, line, codes, starts, places, values):
    """The sorted points class by class: where each stands on the line, and its value. Writes over `starts`."""
    for p in range(len(order)):
        c = codes[order[p]]
        places[starts[c]] = p
        values[starts[c]] = line[p]
        starts[c] += 1


@kernel_exact
def count_own(start, stop, line, order, codes, ends, places, values, k, counts):
    squares = np.empty(2 * k + 2)
    for at in range(start, stop):
        p, x = places[at], values[at]
        c = codes[order[p]]
        first, last = (ends[c - 1] if c else 0), ends[c]
        most = min(k, last - first - 1)
        if most >= (last - first) // 2:
            radius = rounded_radius(values, first, last, x, most, squares)
        else:
            radius = np.inf
            for low in range(max(first, at - most), min(at, last - 1 - most) + 1):
                radius = min(radius, max(x - values[low], values[low + most] - x))
        counts[order[p]] = count_nearer(line, p, radius)


@kernel_exact
def rounded_radius(values, first, last, x, most, squares):
    """The distance of number `most` among a few points, the point itself being number 0."""
    for j in range(first, last):
        y = values[j]
        squares[j - first] = max(0.0, (x * x - 2.0 * x * y) + y * y)
    return np.sqrt(np.sort(squares[: last - first])[most])


@kernel_exact
def count_nearer(line, p, radius):
    """How many of the sorted values are strictly nearer to number p than the radius, or equal to it."""
    n, x = len(line), line[p]
    inside, step = p, 1
    while inside + step < n and (line[inside + step] - x < radius or line[inside + step] == x):
        inside += step
        step *= 2
    while step > 0:
        if inside + step < n and (line[inside + step] - x < radius or line[inside + step] == x):
            inside += step
        step //= 2
    high, inside, step = inside, p, 1
    while inside - step >= 0 and (x - line[inside - step] < radius or line[inside - step] == x):
        inside -= step
        step *= 2
    while step > 0:
        if inside - step >= 0 and (x - line[inside - step] < radius or line[inside - step] == x):
            inside -= step
        step //= 2
    return high - inside + 1


def near_both(x, y, order, k, n_jobs=None):
    n = len(x)
    across = np.argsort(x)
    size = max(FEWEST, int(WIDTH * np.sqrt(k * n)))
    line_x, line_y, counts = x[across], y[order], np.empty((2, n), np.int64)
    rank, points = np.empty(n, np.int64), np.empty((n, 2))
    names = np.empty((n, 3), np.int64)  # of a point in its strip: its number, its place in x and its place in y
    lay_out(across, order, x, y, size, rank, points, names)
    arrays = line_x, line_y, size, points, names, k, counts
    pool.run(count_both, n, *arrays, cost=PLANE, n_jobs=n_jobs)
    return counts


@kernel_exact
def lay_out(across, order, x, y, size, rank, points, names):
    """The points strip by strip, each strip in the order of y."""
    n = len(across)
    for p in range(n):
        rank[across[p]] = p
    filled = np.zeros(n // size + 1, np.int64)
    for p in range(n):
        i = order[p]
        strip = rank[i] // size
        at = strip * size + filled[strip]
        filled[strip] += 1
        points[at, 0] = x[i]
        points[at, 1] = y[i]
        names[at, 0] = i
        names[at, 1] = rank[i]
        names[at, 2] = p


@kernel_exact
def count_both(start, stop, line_x, line_y, size, points, names, k, counts):
    n = len(points)
    strips, nearest = (n + size - 1) // size, np.empty(k)
    for at in range(start, stop):
        x, y, own = points[at, 0], points[at, 1], at // size
        nearest[:] = np.inf
        scan(points, own * size, min(n, own * size + size), at, at + 1, x, y, nearest)
        for strip in range(own + 1, strips):
            if line_x[strip * size] - x >= nearest[k - 1]:
                break
            enter(points, strip * size, min(n, strip * size + size), x, y, nearest)
        for strip in range(own - 1, -1, -1):
            if x - line_x[strip * size + size - 1] >= nearest[k - 1]:
                break
            enter(points, strip * size, strip * size + size, x, y, nearest)
        i = names[at, 0]
        counts[0, i] = count_nearer(line_x, names[at, 1], nearest[k - 1])
        counts[1, i] = count_nearer(line_y, names[at, 2], nearest[k - 1])


@kernel_exact
def enter(points, first, last, x, y, nearest):
    """Search a strip from the place where y would stand."""
    low, high = first, last
    while low < high:
        middle = (low + high) // 2
        if points[middle, 1] < y:
            low = middle + 1
        else:
            high = middle
    scan(points, first, last, low, low, x, y, nearest)


@kernel_exact
def scan(points, first, last, below, above, x, y, nearest):
    """Walk down from `below` and up from `above` as long as something nearer may come."""
    k = len(nearest)
    for at in range(above, last):
        apart = points[at, 1] - y
        if apart >= nearest[k - 1]:
            break
        take(max(apart, abs(points[at, 0] - x)), nearest)
    for at in range(below - 1, first - 1, -1):
        apart = y - points[at, 1]
        if apart >= nearest[k - 1]:
            break
        take(max(apart, abs(points[at, 0] - x)), nearest)


@kernel_exact
def take(distance, nearest):
    """Put a distance into the ascending ones where it is smaller than the last."""
    at = len(nearest) - 1
    if distance >= nearest[at]:
        return
    while at > 0 and nearest[at - 1] > distance:
        nearest[at] = nearest[at - 1]
        at -= 1
    nearest[at] = distance
