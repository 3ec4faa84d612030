"""The machine that runs graphs too large to be compiled: a kernel interprets the node table. Contract: reference.py.

The kernel is compiled once and cached; a graph is data to it. Its helpers serve the generated kernels too, whose names
on disk depend on the content of this file.
"""

import itertools
import math

import numpy as np

from fastml_ext.autodiff.codes import CODES
from fastml_ext.jit import kernel

__all__ = ["run_program"]

SLICE = 200_000  # entries computed by one call of the kernel: under 50 ms, so that Ctrl-C is heard

# Globals are constants to the compiler, so the chain in _scalar becomes one jump.
(
    NEGATIVE,
    EXP,
    LOG,
    LOG1P,
    EXPM1,
    SQRT,
    ABS,
    SIGN,
    SIN,
    COS,
    TAN,
    TANH,
    ARCTAN,
    SIGMOID,
    SOFTPLUS,
    RELU,
    STEP,
    NOT,
    COPY,
) = range(19)
ADD, SUBTRACT, MULTIPLY, DIVIDE, POWER, MAXIMUM, MINIMUM, LESS, LESS_EQUAL, EQUAL, NOT_EQUAL, AND, OR = range(19, 32)
WHERE, SUM, MAX, MIN, MATMUL, WINNER, GATHER, SCATTER, GATHER_AT, SCATTER_AT = range(32, 42)
assert (COPY, OR, SCATTER_AT) == (CODES["copy"], CODES["logical_or"], CODES["scatter_at"])


def run_program(code, table, work, ints):
    """Run every instruction of `code` (n, 8) on the flat memory `work`; see the reference for the meaning of each."""
    entries = code[:, 7]
    if len(code) + entries.sum() <= SLICE:
        cuts = [0, len(code)]
    else:
        slices = np.cumsum(1 + entries) // SLICE
        cuts = [0, *(np.flatnonzero(np.diff(slices)) + 1), len(code)]
    for start, stop in itertools.pairwise(cuts):
        failed = _run(code[start:stop], table, work, ints)
        if failed >= 0:
            raise IndexError(f"instruction {start + failed} takes an entry outside its array")


@kernel
def _run(code, table, work, ints):
    count = np.zeros(64, np.int64)
    one = work.dtype.type(1)
    for i in range(code.shape[0]):
        op, nd, o, a, b, c, p = code[i, 0], code[i, 1], code[i, 2], code[i, 3], code[i, 4], code[i, 5], code[i, 6]
        if op <= WHERE:
            if nd == 0:
                work[o] = _scalar(op, work[a], work[b], work[c], one)
            else:
                _elementwise(op, nd, o, a, b, c, table[p:], work, count)
        elif op <= MIN:
            _reduce(op, nd, o, a, table[p:], work, count)
        elif op == MATMUL:
            _matmul(o, a, b, table[p:], work)
        elif op == WINNER:
            winner(table[p], table[p + 1], work[a:], work[o:])
        elif op == GATHER:
            gather(table[p + 1 : p + 1 + table[p]], work[a:], work[o:])
        elif op == SCATTER:
            scatter(table[p + 2 : p + 2 + table[p]], work[a:], work[o : o + table[p + 1]])
        elif not _dynamic(op, o, a, table[p:], work, ints):
            return i
    return -1


@kernel
def _scalar(op, a, b, c, one):
    zero = one - one
    if op == ADD:
        return a + b
    if op == SUBTRACT:
        return a - b
    if op == MULTIPLY:
        return a * b
    if op == DIVIDE:
        return a / b
    if op == NEGATIVE:
        return -a
    if op == EXP:
        return exp64(np.float64(a))
    if op == LOG:
        return math.log(a)
    if op == POWER:
        return a**b
    if op == SQRT:
        return math.sqrt(a)
    if op == SIN:
        return math.sin(a)
    if op == COS:
        return math.cos(a)
    if op == TAN:
        return math.tan(a)
    if op == TANH:
        return tanh64(np.float64(a))
    if op == ARCTAN:
        return math.atan(a)
    if op == LOG1P:
        return math.log1p(a)
    if op == EXPM1:
        return math.expm1(a)
    if op == COPY:
        return a
    if op == ABS:
        return abs(a)
    if op == SIGN:
        return one if a > zero else (-one if a < zero else a)
    if op == SIGMOID:
        return sigmoid64(np.float64(a))
    if op == SOFTPLUS:
        return softplus64(np.float64(a))
    if op == RELU:
        return zero if a <= zero else a
    if op == STEP:
        return one if a >= zero else (zero if a < zero else a)
    if op == MAXIMUM:
        return b if a < b or b != b else a
    if op == MINIMUM:
        return b if b < a or b != b else a
    if op == WHERE:
        return b if a != zero else c
    if op == LESS:
        return one if a < b else zero
    if op == LESS_EQUAL:
        return one if a <= b else zero
    if op == EQUAL:
        return one if a == b else zero
    if op == NOT_EQUAL:
        return one if a != b else zero
    if op == AND:
        return one if a != zero and b != zero else zero
    if op == OR:
        return one if a != zero or b != zero else zero
    return zero if a != zero else one


# exp, tanh, sigmoid and softplus without branches, so that loops over them vectorise: 5 and 9 times the C library's.
# Errors are at most two units in the last place; infinities, NaN and subnormal results are as they should be.


@kernel
def exp64(x):
    """2^k exp(r) with |r| <= ln(2) / 2, by the series of exp(r) up to its 13th power."""
    y = x if x < 710.0 else 710.0
    y = y if y > -746.0 else -746.0
    k = math.floor(y * 1.4426950408889634 + 0.5)
    r = (y - k * 0.6931471803691238) - k * 1.9082149292705877e-10  # ln(2) in two parts, the first with zeros at its end
    p = 1 / 479001600 + r * (1 / 6227020800)
    p = 1 / 39916800 + r * p
    p = 1 / 3628800 + r * p
    p = 1 / 362880 + r * p
    p = 1 / 40320 + r * p
    p = 1 / 5040 + r * p
    p = 1 / 720 + r * p
    p = 1 / 120 + r * p
    p = 1 / 24 + r * p
    p = 1 / 6 + r * p
    p = 1.0 + r * (1.0 + r * (0.5 + r * p))
    n = np.int64(k)
    half = n >> 1  # the power of two in two factors: one alone would overflow before the result does
    low = np.int64((half + 1023) << 52).view(np.float64)
    high = np.int64((n - half + 1023) << 52).view(np.float64)
    return p * low * high if x == x else x


@kernel
def exp32(x):
    """As exp64, in float32, by the series up to its 7th power."""
    y = x if x < np.float32(90.0) else np.float32(90.0)
    y = y if y > np.float32(-105.0) else np.float32(-105.0)
    k = np.float32(math.floor(y * np.float32(1.44269504) + np.float32(0.5)))
    r = (y - k * np.float32(0.693359375)) + k * np.float32(2.12194440e-4)
    p = np.float32(1 / 720) + r * np.float32(1 / 5040)
    p = np.float32(1 / 120) + r * p
    p = np.float32(1 / 24) + r * p
    p = np.float32(1 / 6) + r * p
    p = np.float32(1.0) + r * (np.float32(1.0) + r * (np.float32(0.5) + r * p))
    n = np.int32(k)
    half = np.int32(n >> np.int32(1))
    low = np.int32((half + np.int32(127)) << np.int32(23)).view(np.float32)
    high = np.int32((n - half + np.int32(127)) << np.int32(23)).view(np.float32)
    return p * low * high if x == x else x


@kernel
def tanh64(x):
    """1 - 2 / (exp(2 |x|) + 1); below x^2 = 0.4 a polynomial for (tanh(x) - x) / x^3 in x^2, from Chebyshev's nodes."""
    z = x * x
    p = 1.20886872262168983e-05 - 2.38557931117042516e-06 * z
    p = -3.69605223033382571e-05 + z * p
    p = 9.59723631816051307e-05 + z * p
    p = -2.38864647885499514e-04 + z * p
    p = 5.8997591921439729e-04 + z * p
    p = -1.4558274668454266e-03 + z * p
    p = 3.59212740669531618e-03 + z * p
    p = -8.86323549344145084e-03 + z * p
    p = 2.18694885348877575e-02 + z * p
    p = -5.39682539682310266e-02 + z * p
    p = 1.3333333333333317e-01 + z * p
    p = -3.33333333333333333e-01 + z * p
    large = math.copysign(1.0 - 2.0 / (exp64(2.0 * abs(x)) + 1.0), x)
    return x + x * z * p if z < 0.4 else large


@kernel
def tanh32(x):
    """As tanh64, in float32."""
    z = x * x
    p = np.float32(0.0209613291) - np.float32(0.0060451651) * z
    p = np.float32(-0.0538432632) + z * p
    p = np.float32(0.133327188) + z * p
    p = np.float32(-0.333333284) + z * p
    one, two = np.float32(1.0), np.float32(2.0)
    large = np.float32(math.copysign(one - two / (exp32(two * abs(x)) + one), x))
    return x + x * z * p if z < np.float32(0.4) else large


@kernel
def sigmoid64(x):
    z = exp64(-abs(x))
    return (1.0 if x >= 0.0 else z) / (1.0 + z)


@kernel
def sigmoid32(x):
    one = np.float32(1.0)
    z = exp32(-abs(x))
    return (one if x >= np.float32(0.0) else z) / (one + z)


@kernel
def softplus64(x):
    return (0.0 if x <= 0.0 else x) + math.log1p(exp64(-abs(x)))


@kernel
def softplus32(x):
    zero = np.float32(0.0)
    return (zero if x <= zero else x) + math.log1p(exp32(-abs(x)))


@kernel
def _elementwise(op, nd, o, a, b, c, table, work, count):
    """table: shape (nd), then the strides (nd each) of the result and of three operands, 0 where one is repeated."""
    one = work.dtype.type(1)
    last, outer = nd - 1, 1
    for k in range(last):
        outer *= table[k]
        count[k] = 0
    so, sa, sb, sc = table[nd + last], table[2 * nd + last], table[3 * nd + last], table[4 * nd + last]
    for _ in range(outer):
        for j in range(table[last]):
            work[o + j * so] = _scalar(op, work[a + j * sa], work[b + j * sb], work[c + j * sc], one)
        k = last - 1
        while k >= 0:  # the next row: the last axis that has not come to its end moves on, those behind it go back
            count[k] += 1
            o, a, b, c = o + table[nd + k], a + table[2 * nd + k], b + table[3 * nd + k], c + table[4 * nd + k]
            if count[k] < table[k]:
                break
            back, count[k] = table[k], 0
            o, a = o - back * table[nd + k], a - back * table[2 * nd + k]
            b, c = b - back * table[3 * nd + k], c - back * table[4 * nd + k]
            k -= 1


@kernel
def _reduce(op, nd, o, a, table, work, count):
    """table: shape, strides of the result (0 along reduced axes) and of the operand; then the entries of the result."""
    last, outer = nd - 1, 1
    for k in range(last):
        outer *= table[k]
        count[k] = 0
    start = 0.0 if op == SUM else (-np.inf if op == MAX else np.inf)
    work[o : o + table[3 * nd]] = start
    so, sa = table[nd + last], table[2 * nd + last]
    for _ in range(outer if table[last] > 0 else 0):
        if so == 0 and op == SUM:
            total = np.float64(work[o])
            for j in range(table[last]):
                total += work[a + j * sa]
            work[o] = total
        else:
            for j in range(table[last]):
                x, y = work[a + j * sa], work[o + j * so]
                if op == SUM:
                    work[o + j * so] = x + y
                elif x != x or (op == MAX and x > y) or (op == MIN and x < y):
                    work[o + j * so] = x
        k = last - 1
        while k >= 0:
            count[k] += 1
            o, a = o + table[nd + k], a + table[2 * nd + k]
            if count[k] < table[k]:
                break
            o, a = o - table[k] * table[nd + k], a - table[k] * table[2 * nd + k]
            count[k] = 0
            k -= 1


@kernel
def _matmul(o, a, b, table, work):
    """table: products, m, k, n; for each operand the entries from one product to the next, and whether transposed;
    then for each whether its zeros annul."""
    products, m, k, n = table[0], table[1], table[2], table[3]
    for i in range(products):
        p, q, r = a + i * table[4], b + i * table[6], o + i * m * n
        x, y, out = work[p : p + m * k], work[q : q + k * n], work[r : r + m * n]
        product(x, table[5], y, table[7], m, k, n, out)
        if table[8] or table[9]:
            annul(x, table[5], y, table[7], m, k, n, table[8], table[9], out)


@kernel
def annul(a, a_transposed, b, b_transposed, m, k, n, left, right, out):
    """Mend out = a b where it is not finite: a zero of a (if left), of b (if right), annuls its term, inf or not."""
    am, ak = (1, m) if a_transposed else (k, 1)
    bk, bn = (1, k) if b_transposed else (n, 1)
    for i in range(m):
        for j in range(n):
            if not math.isfinite(out[i * n + j]):
                total = 0.0
                for t in range(k):
                    x, y = a[i * am + t * ak], b[t * bk + j * bn]
                    if not ((left and x == 0) or (right and y == 0)):
                        total += x * y
                out[i * n + j] = total


@kernel
def product(a, a_transposed, b, b_transposed, m, k, n, out):
    """out = a b for row-major a (m, k), or (k, m) if transposed, and b (k, n), or (n, k) if transposed."""
    if m * k * n <= 512:
        am, ak = (1, m) if a_transposed else (k, 1)
        bk, bn = (1, k) if b_transposed else (n, 1)
        for i in range(m):
            for j in range(n):
                total = a.dtype.type(0)
                for t in range(k):
                    total += a[i * am + t * ak] * b[t * bk + j * bn]
                out[i * n + j] = total
    elif m == 1 and b_transposed:
        np.dot(b.reshape(n, k), a, out)
    elif m == 1:
        np.dot(a, b.reshape(k, n), out)
    elif n == 1 and a_transposed:
        np.dot(b, a.reshape(k, m), out)
    elif n == 1:
        np.dot(a.reshape(m, k), b, out)
    elif a_transposed and b_transposed:
        np.dot(a.reshape(k, m).T, b.reshape(n, k).T, out.reshape(m, n))
    elif a_transposed:
        np.dot(a.reshape(k, m).T, b.reshape(k, n), out.reshape(m, n))
    elif b_transposed:
        np.dot(a.reshape(m, k), b.reshape(n, k).T, out.reshape(m, n))
    else:
        np.dot(a.reshape(m, k), b.reshape(k, n), out.reshape(m, n))


@kernel
def winner(rows, n, x, out):
    """out = 1 at the first largest entry (the first NaN, if any) of each row of x (rows, n), otherwise 0."""
    for i in range(rows):
        best = i * n
        for j in range(i * n, i * n + n):
            out[j] = 0
            if x[best] == x[best] and not x[j] <= x[best]:
                best = j
        if n:
            out[best] = 1


@kernel
def gather(index, x, out):
    for i in range(index.size):
        out[i] = x[index[i]]


@kernel
def scatter(index, x, out):
    out[:] = 0
    for i in range(index.size):
        out[index[i]] += x[i]


@kernel
def _dynamic(op, o, a, table, work, ints):
    """Gather or scatter at indices that are inputs; False where one is out of range.

    table: number k of indices, positions n, entries r at each, entries of the whole array; lengths of its first k axes;
    then for each index where in `ints` it starts.
    """
    k, n, r, size = table[0], table[1], table[2], table[3]
    if op == SCATTER_AT:
        work[o : o + size] = 0
    for i in range(n):
        at = 0
        for j in range(k):
            index, length = ints[table[4 + k + j] + i], table[4 + j]
            index += length if index < 0 else 0
            if index < 0 or index >= length:
                return False
            at = at * length + index
        for t in range(r):
            if op == GATHER_AT:
                work[o + i * r + t] = work[a + at * r + t]
            else:
                work[o + at * r + t] += work[a + i * r + t]
    return True
