"""Products of matrices that stand in flat arrays, in tiles of registers; single rows by panels.

A tile is faster than the BLAS that SciPy ships, whose kernels know narrower registers: twice at 200 x 300 x 100. Each
sum goes by ascending j, whatever the tile: the bits do not depend on where a matrix is cut.

Tiles read up to ROOM elements beyond the rows of B and W, whose arrays are that much longer.
"""

import numpy as np

from fastml_ext.device.vectors import inner_product, panel, tile
from fastml_ext.jit import LANES, kernel

__all__ = ["ROOM", "inner", "matvec", "product", "row_sums", "transpose"]

ROOM = 4 * LANES
REGISTER = 4 * LANES  # bytes
MANY = 8 if LANES > 8 else 4  # rows of a tile of two registers: the sums fit into the registers there are
FEW = 4
many_2, few_2, one_2 = (tile(rows, 2 * REGISTER) for rows in (MANY, FEW, 1))
many_1, few_1, one_1 = (tile(rows, REGISTER) for rows in (2 * MANY, FEW, 1))
one_4 = tile(1, 4 * REGISTER)
panel_32, panel_16, panel_4, panel_1 = panel(32), panel(16), panel(4), panel(1)
inner = inner_product(16, 1)


@kernel
def product(C, B, A, W, m, n, k):
    """C (m, n) = B + A (m, k) W (k, n); see `tile` for what stands for a matrix. C must not be B.

    The last tile of rows may begin within the one before: what it computes again comes out the same.
    """
    c, c0, c_row = C
    b, b0, b_row = B
    a, a0, a_row, a_step = A
    w, w0, w_row = W
    lanes = REGISTER // c.itemsize
    o = np.int64(0)
    while o < n:
        left = n - o
        two = left > lanes
        many = MANY if two else 2 * MANY
        rows = many if m >= many else (FEW if m >= FEW else 1)
        r = np.int64(0)
        while r < m:
            at = min(r, m - rows)
            to, start = (c, c0 + at * c_row + o, c_row), (b, b0 + at * b_row + o, b_row)
            values, weights = (a, a0 + at * a_row, a_row, a_step), (w, w0 + o, w_row)
            if rows == many:
                if two:
                    many_2(to, start, values, weights, left, k)
                else:
                    many_1(to, start, values, weights, left, k)
            elif rows == FEW:
                if two:
                    few_2(to, start, values, weights, left, k)
                else:
                    few_1(to, start, values, weights, left, k)
            elif two:
                one_2(to, start, values, weights, left, k)
            else:
                one_1(to, start, values, weights, left, k)
            r += rows
        o += 2 * lanes if two else lanes


@kernel
def row_sums(C, c0, B, b0, A, W, n, count):
    """C[c0 : c0 + n] = B[b0 : b0 + n] + sum over j < count of A[j] * W[j, :n]; A (array, place), W as in `product`."""
    a, a0 = A
    w, w0, w_row = W
    lanes, o = 4 * REGISTER // C.itemsize, np.int64(0)
    while o < n:
        one_4((C, c0 + o, 0), (B, b0 + o, 0), (a, a0, 0, 1), (w, w0 + o, w_row), n - o, count)
        o += lanes


@kernel
def transpose(W, w0, k, n, low, high, T, t0):
    """Rows low to high of W (k, n) into the columns of T (n, k)."""
    for j in range(low, high):
        for o in range(n):
            T[t0 + o * k + j] = W[w0 + j * n + o]


@kernel
def matvec(C, B, b0, A, W, w0, n, count):
    """C[:n] = B[b0 : b0 + n] + sum over j < count of A[j] * W[w0 + j * n : ... + n]; nothing beyond is read."""
    if n == 1:
        C[0] = B[b0] + inner(A, 0, W, w0, count)
        return
    o = np.int64(0)
    while o + 32 <= n:
        panel_32((C, o), (B, b0 + o), (A, 0), (W, w0 + o, n), count)
        o += 32
    if o + 16 <= n:
        panel_16((C, o), (B, b0 + o), (A, 0), (W, w0 + o, n), count)
        o += 16
    while o + 4 <= n:
        panel_4((C, o), (B, b0 + o), (A, 0), (W, w0 + o, n), count)
        o += 4
    while o < n:
        panel_1((C, o), (B, b0 + o), (A, 0), (W, w0 + o, n), count)
        o += 1
