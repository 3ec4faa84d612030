"""The kernels by definition. X (n, d) is float32 or float64 in C order; NaN is a number that is missing.

Moments, extremes, quantiles, and tables that are scaled or filled may be in Fortran's order; so is what becomes of
tables of more than a few rows then.
"""

import math

import numpy as np

__all__ = [
    "add_looked", "binarise", "by_rows", "code_objects", "code_rows", "code_texts", "code_views", "extremes",
    "few_divided", "few_multiplied", "fill", "from_distribution", "look_up", "moments", "normalise",
    "power_columns", "power_likelihood", "products", "put_lines", "put_looked", "quantiles", "rescale",
    "scaled_scores", "sparse_products", "spline_basis", "standardise", "to_distribution", "unpower_columns",
]  # fmt: skip


def moments(X):
    """(count, mean, squares), each (d,) float64: numbers in each column, their mean, the sum of (x - mean)**2.

    An infinite number makes its column's mean infinite or NaN; a column without numbers has NaN twice. Rows are taken
    in blocks of a size that d alone decides, each about its own mean, and the blocks merged in order (Chan, Golub and
    LeVeque 1983): squares of differences lose no digits to a large mean, and no number of threads changes a bit.
    """
    found = []
    for column in X.astype(np.float64).T:
        known = column[~np.isnan(column)]
        mean = known.mean() if len(known) else np.nan
        found.append((len(known), mean, ((known - mean) ** 2).sum() if len(known) else np.nan))
    return tuple(np.array(found, np.float64).reshape(-1, 3).T)


def extremes(X):
    """(least, largest), each (d,) of the dtype of X; NaN for a column without numbers."""
    known = [column[~np.isnan(column)] for column in X.T]
    least = [x.min() if len(x) else np.nan for x in known]
    return np.array(least, X.dtype), np.array([x.max() if len(x) else np.nan for x in known], X.dtype)


def quantiles(X, q, rows=None):
    """(low, high, count, extremes): for each of the shares q (m,) the two numbers of each column beside it, (m, d).

    rows: numbers of rows, int64, that the columns are taken from, some more than once; None for each once
    They are those at the places floor(q * (c - 1)) and one more, at most c - 1, of the column's c numbers in order,
    counted from 0; NaN where c = 0. count (d,) int64 is c, extremes (2, d) the first and the last. All but the count
    are of the dtype of X.
    """
    X = X if rows is None else X[rows]
    low, high = np.full((2, len(q), X.shape[1]), np.nan, X.dtype)
    count = (~np.isnan(X)).sum(axis=0)
    for j, column in enumerate(X.T):
        ordered = np.sort(column[~np.isnan(column)])
        for i, share in enumerate(q if len(ordered) else []):
            below = int(np.floor(share * (len(ordered) - 1)))
            low[i, j], high[i, j] = ordered[below], ordered[min(below + 1, len(ordered) - 1)]
    return low, high, count, np.stack(extremes(X))


def standardise(X, centre, scale):
    """(x - centre) / scale of each column, two operations in the dtype of X; None where a number of X is infinite.

    centre, scale: (d,) of the dtype of X, or None for 0 and 1; or both of float64 beside X of float32: each operation
    is one in float64 then, whose result is rounded to float32
    """
    if np.isinf(X).any():
        return None
    out = X if centre is None else (X - centre).astype(X.dtype)
    return out.copy() if scale is None else (out / scale).astype(X.dtype)


def rescale(X, scale, shift, low, high):
    """x * scale + shift of each column, clipped to low and high; None where a number of X is infinite.

    scale, shift: (d,) of the dtype of X, or both of float64, as in `standardise` | low, high: -inf and inf do not clip
    """
    if np.isinf(X).any():
        return None
    out = ((X * scale).astype(X.dtype) + shift).astype(X.dtype)
    return np.clip(out, low, high).astype(X.dtype)


def by_rows(X):
    """X, which is in Fortran's order, as a table in C order."""
    return X.copy(order="C")


def put_lines(first, last, X, rows, out):
    """Write columns first to last of X, in any order, into the rows of out (last - first, n), of its dtype.

    rows: numbers of the rows, int64, of which these are taken; all where there are none
    """
    out[:] = (X[rows] if len(rows) else X)[:, first:last].T


def normalise(X, norm):
    """(rows, norms): each row divided by its norm "l1", "l2" or "max"; by 1 where that is below 10 eps. X is finite."""
    powers = {"l1": 1, "l2": 2, "max": np.inf}
    norms = np.linalg.norm(X.astype(np.float64), powers[norm], axis=1).astype(X.dtype)
    norms[norms < 10 * np.finfo(X.dtype).eps] = 1
    return X / norms[:, None], norms


def binarise(X, threshold):
    """1 where x > threshold, rounded to the dtype of X, else 0, in that dtype. X is finite."""
    return (X > X.dtype.type(threshold)).astype(X.dtype)


def fill(X, values):
    """X with values (d,), of its dtype, where NaN stands; None where a number of X is infinite."""
    return None if np.isinf(X).any() else np.where(np.isnan(X), values, X)


def few_divided(X, centre, scale):
    """What `standardise` gives of a finite table, to the bit, for few rows; None for whatever else that takes.

    That is: X is no finite table of floats in C order, or centre or scale is neither None nor (d,) of its dtype.
    """
    if not is_finite_table(X) or not (are_columns(centre, X) and are_columns(scale, X)):
        return None
    with np.errstate(all="ignore"):
        Z = X if centre is None else X - centre
        return Z.copy() if scale is None else Z / scale


def few_multiplied(X, scale, shift):
    """What `rescale` without ends gives of a finite table, to the bit; None as there, and without scale or shift."""
    if not is_finite_table(X) or any(each is None or not are_columns(each, X) for each in (scale, shift)):
        return None
    with np.errstate(all="ignore"):
        return X * scale + shift


def is_finite_table(X):
    plain = type(X) is np.ndarray and X.ndim == 2 and X.flags.c_contiguous and X.dtype in (np.float32, np.float64)
    return plain and bool(np.isfinite(X).all())


def are_columns(values, X):
    return values is None or (values.dtype == X.dtype and values.shape == X.shape[1:] and values.flags.c_contiguous)


def scaled_scores(X, centre, scale, coef, intercept):
    """(n, k): the scores Z @ coef.T + intercept of Z = (X - centre) / scale, to rounding, in the dtype of X.

    All are of the dtype of X and finite: coef (k, d), intercept (k,), centre and scale (d,) or None for 0 and 1.
    Weights coef / scale meet X - centre, so that a large centre costs no digits; sums are taken in float64.
    """
    X, coef = X.astype(np.float64), coef.astype(np.float64)
    Z = (X if centre is None else X - centre) / (1 if scale is None else scale.astype(np.float64))
    return (Z @ coef.T + intercept).astype(intercept.dtype)


NEAR = 1e-7  # of a normal distribution: numbers nearer than this to the first or last point are at it


def to_distribution(X, points, ties, shares, ends=None):
    """(n, d) of the dtype of X: the share of each number among its column's points; None where one is infinite.

    points (d, m) float64 ascending, all NaN for a column without numbers | shares (m,) float64 ascending, of the points
    ties (d, m): the share of a number that equals points[j, i] and not points[j, i + 1]
    Between two points the share is the mean of what is interpolated from the one and from the other. Beyond them it
    is the first or last one. NaN stays, and a column whose points are NaN becomes it where m > 1.
    ends: None, or (low, high): the share, rounded to the dtype of X, becomes the number below which that share of a
    standard normal distribution lies, clipped to these; it is 0, or 1, up to 1e-7 inside the first, or last, point.
    """
    if np.isinf(X).any():
        return None
    out = np.full(X.shape, np.nan, X.dtype)
    for (i, j), x in np.ndenumerate(X):
        if math.isnan(x) or (math.isnan(points[j, 0]) and len(shares) > 1):
            continue
        share = share_of(float(x), points[j], ties[j], shares)
        if ends is not None:
            share = 1.0 if x + X.dtype.type(NEAR) > points[j, -1] else share
            share = 0.0 if x - X.dtype.type(NEAR) < points[j, 0] else share
            share = min(max(normal_quantile(float(X.dtype.type(share))), ends[0]), ends[1])
        out[i, j] = share
    return out


def share_of(x, points, ties, shares):
    at = sum(point <= x for point in points.tolist()) - 1
    if at < 0:
        return shares[0]
    if points[at] == x:
        return ties[at]
    if at == len(points) - 1:
        return shares[-1]
    slope = (shares[at + 1] - shares[at]) / (points[at + 1] - points[at])
    return ((shares[at] + slope * (x - points[at])) + (shares[at + 1] - slope * (points[at + 1] - x))) / 2


def normal_quantile(p):
    """By halving: about as exact as p is."""
    if p in (0, 1):
        return math.copysign(math.inf, p - 0.5)
    low, high = -40.0, 40.0
    while True:
        middle = (low + high) / 2
        if middle in (low, high):
            return middle
        below = 0.5 * math.erfc(-middle / math.sqrt(2))
        low, high = (middle, high) if below < p else (low, middle)


def from_distribution(X, points, shares, normal):
    """(n, d) of the dtype of X: the number of its column that each share, or normal number, stands for.

    points (d, m), shares (m,): as in `to_distribution` | normal: whether X holds normal numbers, not shares
    None where a number is infinite; NaN stays.
    """
    if np.isinf(X).any():
        return None
    near = NEAR if normal else 0.0
    out = np.full(X.shape, np.nan, X.dtype)
    for (i, j), x in np.ndenumerate(X):
        share = 0.5 * math.erfc(-x / math.sqrt(2)) if normal else float(x)
        if share == share:
            found = np.interp(share, shares, points[j])
            if share + near > 1 or share == 1:
                found = points[j, -1]
            if share - near < 0 or share == 0:
                found = points[j, 0]
            out[i, j] = found
    return out


def products(X, steps, n_terms, n_out, bias, by_columns=False):
    """(n, n_out) of the dtype of X: the last terms of each row, in Fortran's order where `by_columns`. X: in any order.

    A row has n_terms terms: a 1 where `bias`, then its numbers, if n_terms is more than that, and then what each step
    (source, stop, column, target), a row of int64, makes: terms[target + c] = terms[source + c] * x[column] for each c
    from 0 to stop - source. Sources are terms that are made before. The result has the last n_out terms, but a 1
    as its first column where `bias`.
    """
    out = np.empty((len(X), n_out), X.dtype, order="F" if by_columns else "C")
    for row, x in zip(out, X, strict=True):
        terms = [X.dtype.type(1)] * bool(bias)
        terms += list(x) if n_terms > bias else []
        for source, stop, column, target in steps:
            terms[target:] = [term * x[column] for term in terms[source:stop]]
        row[:] = terms[n_terms - n_out :]
        row[: bool(bias)] = 1
    return out


def sparse_products(data, indices, indptr, d, least, largest, apart, bias):
    """(values, columns, indptr, n_out): the products of a CSR table's d columns, as another of n_out columns.

    data float32 or float64, indices and indptr int64; the columns of a row ascend, each once.
    The columns of the result are the products of `least` to `largest` columns, those of fewer columns first, each in
    the order of their first columns, then of their second ones, and so on. A column is in a product once, where they
    are `apart`, or several times. Before them, where `bias`, stands a column of 1. A product of stored numbers is
    stored. columns and indptr of the result are int32 where all of them fit, else int64.
    """
    degrees = [0] * bool(bias) + list(range(max(least, 1), largest + 1))
    place = {chosen: at for at, chosen in enumerate(each for g in degrees for each in choices([*range(d)], g, apart))}
    values, columns, begins = [], [], [0]
    for i in range(len(indptr) - 1):
        own = slice(indptr[i], indptr[i + 1])
        row = dict(zip(indices[own].tolist(), data[own], strict=True))
        for chosen in (each for g in degrees for each in choices(sorted(row), g, apart)):
            product = data.dtype.type(1)
            for column in chosen:
                product *= row[column]
            values.append(product)
            columns.append(place[chosen])
        begins.append(len(values))
    return np.array(values, data.dtype), np.array(columns, np.int32), np.array(begins, np.int32), len(place)


def choices(columns, degree, apart):
    """Tuples of so many of the columns, ascending."""
    if degree == 0:
        return [()]
    return [(c, *more) for i, c in enumerate(columns) for more in choices(columns[i + apart :], degree - 1, apart)]


def power(x, lmbda, box_cox):
    """Box and Cox 1964, or Yeo and Johnson 2000: NaN stays, and what is beyond all numbers is infinity."""
    if box_cox:
        if lmbda == 0:
            return math.log(x)
        return (x**lmbda - 1) / lmbda if lmbda * math.log(x) < 709 else math.copysign(math.inf, lmbda)
    if x < 0:
        return -power(1 - x, 2 - lmbda, True)
    return power(1 + x, lmbda, True)


def power_likelihood(logs, lmbda, box_cox):
    """The log-likelihood of an exponent for numbers (n,): that of normal numbers of the best mean and variance.

    logs (n,) float64: log(x) where box_cox, else log(1 + |x|) with the sign of x
    That is -n/2 log(variance of the transformed numbers) + (lmbda - 1) sum(logs), without what does not depend on
    lmbda; infinity where the variance is below the smallest normal float64.
    """
    numbers = [math.exp(v) if box_cox else math.copysign(math.expm1(abs(v)), v) for v in logs.tolist()]
    variance = np.var([power(x, lmbda, box_cox) for x in numbers])
    if variance < np.finfo(np.float64).tiny:
        return math.inf
    return float((lmbda - 1) * logs.sum() - len(logs) / 2 * math.log(variance))


def power_columns(X, lambdas, box_cox, centre=None, scale=None):
    """(n, d): each number transformed by its column's exponent; then less centre, divided by scale. NaN stays.

    lambdas (d,) float64; centre and scale (d,) of the dtype of X, or None both | X is above 0 where box_cox
    The transformed number is rounded to the dtype of X, and the rest computed in that. None where a number is infinite.
    """
    if np.isinf(X).any():
        return None
    out = np.empty_like(X)
    for (i, j), x in np.ndenumerate(X):
        out[i, j] = x if math.isnan(x) else power(float(x), float(lambdas[j]), box_cox)
    return out if centre is None else (out - centre) / scale


def unpower(z, lmbda, box_cox):
    """The number whose power z is: NaN where there is none, infinity where it is beyond all."""
    if not box_cox and z < 0:
        return -unpower(-z, 2 - lmbda, False)
    base = 1 + lmbda * z
    if lmbda == 0:
        found = math.exp(z) if z < 709 else math.inf
    elif base <= 0:
        found = math.nan if base < 0 else (0.0 if lmbda > 0 else math.inf)
    else:
        exponent = math.log(base) / lmbda
        found = math.exp(exponent) if exponent < 709 else math.inf
    return found if box_cox else found - 1


def unpower_columns(X, lambdas, box_cox, centre=None, scale=None):
    """(the numbers whose transformation by `power_columns` X is, whether one of them is NaN and that of X is not).

    Arguments as there. Numbers are multiplied by scale and centre is added, each rounded to the dtype of X, and the
    rest is computed in float64. None where a number is infinite.
    """
    if np.isinf(X).any():
        return None
    given = X if centre is None else X * scale + centre
    out = np.full_like(X, np.nan)
    for (i, j), z in np.ndenumerate(given):
        if not math.isnan(z):
            out[i, j] = unpower(float(z), float(lambdas[j]), box_cox)
    return out, bool((np.isnan(out) & ~np.isnan(X)).any())


def spline_basis(X, knots, degree, n_splines, beyond, width, by_columns=False):
    """(n, d * width) of the dtype of X: the first `width` of the n_splines B-splines of each number, column by column.

    knots (d, K) float64, ascending; the splines are de Boor's, K - degree - 1 of them; they belong to the interval from
    knot `degree` to knot K - degree - 1, both included. NaN gives zeros, and so do knots that are it
    by_columns: in Fortran's order
    beyond: what a number outside gives: "error" None as the result, "constant" the values at that end, "linear" the
    lines that touch there, both of the `degree` outer splines alone, of one more for lines of degree 0 and 1;
    "continue" the outer polynomials; by "periodic" the interval is a period, and spline s + n_splines is spline s.
    None where a number is infinite.
    """
    if np.isinf(X).any():
        return None
    out = np.zeros((len(X), X.shape[1] * width), X.dtype, order="F" if by_columns else "C")
    for (i, j), x in np.ndenumerate(X):
        t, n = knots[j], knots.shape[1] - degree - 1
        low, high = t[degree], t[n]
        if math.isnan(x) or math.isnan(low):
            continue
        at = min(max(float(x), low), high) if beyond in ("constant", "linear") else float(x)
        if beyond == "periodic":
            at = low + (x - low) % (high - low) if high > low else 0.0
        elif beyond == "error" and not low <= x <= high:
            return None
        place = max([k for k in range(degree, n) if t[k] <= at], default=degree)
        found = np.zeros(n_splines)
        for s in range(n):
            found[s % n_splines] += spline(t, degree, s, at, place)
            if beyond == "linear" and at != x:
                found[s] += (x - at) * slope(t, degree, s, at, place)
        if at != x and beyond in ("constant", "linear"):
            outer = degree + int(beyond == "linear" and degree < 2)
            found[outer:] *= x > at
            found[: n_splines - outer] *= x < at
        out[i, j * width : (j + 1) * width] = found[:width]
    return out


def spline(t, degree, s, x, place):
    """B-spline s of a degree at x, which lies in the interval of that place, by its definition."""
    if degree == 0:
        return float(s == place)
    total = 0.0
    if t[s + degree] > t[s]:
        total += (x - t[s]) / (t[s + degree] - t[s]) * spline(t, degree - 1, s, x, place)
    if t[s + degree + 1] > t[s + 1]:
        total += (t[s + degree + 1] - x) / (t[s + degree + 1] - t[s + 1]) * spline(t, degree - 1, s + 1, x, place)
    return total


def slope(t, degree, s, x, place):
    total = 0.0
    if degree and t[s + degree] > t[s]:
        total += degree / (t[s + degree] - t[s]) * spline(t, degree - 1, s, x, place)
    if degree and t[s + degree + 1] > t[s + 1]:
        total -= degree / (t[s + degree + 1] - t[s + 1]) * spline(t, degree - 1, s + 1, x, place)
    return total


def code_objects(values):
    """(codes, distinct): the distinct values of an array of objects (n,), in the order in which they first stand there.

    codes (n,) int64 are the places of the values in the list `distinct`. Values are one if they are equal and have one
    hash; every NaN that is a float is one. TypeError: a value has no hash.
    """
    distinct, codes, keys = [], [], []
    for value in values:
        key = "NaN" if isinstance(value, float) and value != value else (hash(value), value)
        if key not in keys:
            keys.append(key)
            distinct.append(value)
        codes.append(keys.index(key))
    return np.array(codes, np.int64), distinct


def code_rows(words):
    """(codes, first): the distinct rows of words (n, w) uint32 in the order in which they first stand there.

    codes (n,) int64 are the places of the rows among the distinct ones | first (k,) int64, where each first stands
    """
    first: dict = {}
    places = [first.setdefault(tuple(row), i) for i, row in enumerate(words.tolist())]
    codes = {at: code for code, at in enumerate(first.values())}
    return np.array([codes[at] for at in places], np.int64), np.array([*first.values()], np.int64)


def code_texts(data, ends, valid, skipped=0):
    """(codes, distinct): the distinct texts of a column, as Arrow holds it, in the order in which they first stand.

    data (m,) uint8, the texts in UTF-8 one after the other | ends (n + 1,) int32 or int64: text i is
    data[ends[i]:ends[i + 1]] | valid: None, or uint8: bit skipped + i, from the lowest of each byte, is 0 where text i
    is missing
    codes (n,) int64 are the places of the texts in the list `distinct`; -1 where one is missing
    """
    texts = [data[ends[i] : ends[i + 1]].tobytes() for i in range(len(ends) - 1)]
    return codes_of(texts, valid, skipped)


def code_views(views, buffers, valid, skipped=0):
    """(codes, distinct) of texts as Arrow's views have them; codes, distinct, valid and skipped as in `code_texts`.

    views (n, 4) uint32: the length in bytes; up to 12 bytes stand behind it, for longer ones the second word repeats
    the first bytes, the third is the place in `buffers`, the fourth that in the buffer | buffers: list of uint8 (m,)
    """
    texts = []
    for view in views:
        length = int(view[0])
        texts.append(
            view[1:].tobytes()[:length] if length <= 12 else buffers[view[2]][view[3] : view[3] + length].tobytes()
        )
    return codes_of(texts, valid, skipped)


def codes_of(texts, valid, skipped):
    distinct: dict = {}
    codes = []
    for i, text in enumerate(texts):
        at = skipped + i
        missing = valid is not None and not valid[at // 8] >> at % 8 & 1
        codes.append(-1 if missing else distinct.setdefault(text.decode(), len(distinct)))
    return np.array(codes, np.int64), list(distinct)


def look_up(codes, tables, out):
    """Write tables[j][codes[j][i]] into out[i, j].

    codes: d arrays (n,) int64 of places | tables: d arrays (k_j,) | out (n, d) of their dtype: float32 or float64,
    int32 or int64
    """
    for j, (places, table) in enumerate(zip(codes, tables, strict=True)):
        out[:, j] = [table[place] for place in places]


def add_looked(codes, table, out):
    """Add table[codes[i]] to out[i]: codes (n,) int64 of places | table (m, k), out (n, k) float64."""
    for i, code in enumerate(codes):
        out[i] += table[code]


def put_looked(codes, places, numbers, out):
    """Write numbers[codes[i]] into out[i, places[codes[i]]], nothing where the place is negative.

    codes (n,) int64 | places (m,) int64, below the width of out | numbers (m,), out (n, d) float64
    """
    for i, code in enumerate(codes):
        if places[code] >= 0:
            out[i, places[code]] = numbers[code]
