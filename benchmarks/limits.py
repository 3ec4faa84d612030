"""How far the kernels are from what the machine allows: python benchmarks/limits.py [--share 0.1] > limits.md

For each family one piece of work, and the least time that it can take: the bytes that must be read once at the
bandwidth measured here, or the multiplications and additions of its products at the rate of NumPy's BLAS, whichever
is longer. `share` is that time over fastml's; the last column says what else the kernel does, read from its code and
not from a profile.
"""

import argparse
import statistics
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
import sklearn

from fastml.feature_extraction.text import CountVectorizer
from fastml.linear_model import LinearRegression, LogisticRegression, SGDClassifier
from fastml.metrics import confusion_matrix
from fastml.naive_bayes import GaussianNB
from fastml.neighbors import KNeighborsClassifier, NearestNeighbors
from fastml.neural_network import MLPClassifier
from fastml.preprocessing import StandardScaler
from fastml.svm import LinearSVC
from fastml.tree import DecisionTreeClassifier
from fastml_ext.pool import cpu_limit

THREADS, ROUNDS = cpu_limit(), 5


class Work(NamedTuple):
    """`run()` needs `bytes` read and `flops` done in `dtype`, both functions of what it returns."""

    family: str
    name: str
    run: object
    bytes: object
    flops: object = lambda fit: 0
    dtype: type = np.float64
    rest: str = ""


def median_seconds(run):
    times = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        found = run()
        times.append(time.perf_counter() - started)
    return statistics.median(times), found


def bandwidth(size=2**28):
    """Bytes a second that all threads read together: sums of squares of more than any cache holds."""
    parts = np.array_split(np.ones(size // 8), THREADS)
    with ThreadPoolExecutor(THREADS) as pool:
        return size / median_seconds(lambda: list(pool.map(lambda part: part @ part, parts)))[0]


def flops(dtype, n=1500):
    """Multiplications and additions a second of the BLAS that NumPy has, on all threads."""
    A = np.ones((n, n), dtype)
    return 2 * n**3 / median_seconds(lambda: A @ A)[0]


def works(share):
    random = np.random.default_rng(0)

    def table(n, d, dtype=np.float64):
        return random.normal(size=(max(200, int(n * share)), d)).astype(dtype)

    X, wide, small = table(400_000, 50), table(40_000, 784, np.float32), table(200_000, 3)
    y = (X[:, 0] + random.logistic(size=len(X)) > 0).astype(np.int64)
    digits = random.integers(0, 10, len(wide))
    n_query = max(20, int(2000 * share))
    texts = [" ".join(words) for words in random.choice(["pine", "oak", "larch", "fir", "yew"], (len(wide), 40))]
    knn, tree_rows = KNeighborsClassifier(algorithm="brute").fit(wide, digits), len(X) // 4
    near, depth = NearestNeighbors(algorithm="kd_tree").fit(small), 8
    cells = wide.shape[0] * wide.shape[1]
    yield Work(
        *("preprocessing", "StandardScaler.fit", lambda: StandardScaler().fit(X), lambda fit: X.nbytes),
        rest="sums are exact to the last digits: two numbers kept for each column",
    )
    yield Work(
        *("naive Bayes", "GaussianNB.fit", lambda: GaussianNB().fit(X, y), lambda fit: X.nbytes + y.nbytes),
        rest="rows go to the sums of their class",
    )
    yield Work(
        *("linear", "LinearRegression.fit", lambda: LinearRegression().fit(X, X[:, 0]), lambda fit: X.nbytes),
        flops=lambda fit: X.shape[0] * X.shape[1] ** 2,
        rest="the means, and a check of the residual, each read X again",
    )
    yield Work(
        *("linear", "LogisticRegression.fit", lambda: LogisticRegression().fit(X, y)),
        *(lambda fit: X.nbytes * int(np.max(fit.n_iter_)), lambda fit: 0),
        rest="curvature: a product of X with itself at each step of Newton's",
    )
    yield Work(
        *("linear", "SGDClassifier, 5 epochs", lambda: SGDClassifier(max_iter=5, tol=None).fit(X, y)),
        lambda fit: 5 * X.nbytes,
        rest="one row after another: each waits for the weights of the one before",
    )
    yield Work(
        *("svm", "LinearSVC.fit", lambda: LinearSVC(dual=False).fit(X, y)),
        lambda fit: X.nbytes * int(fit.n_iter_),
        rest="as for logistic regression",
    )
    yield Work(
        *("neighbours", "brute force, 784 columns", lambda: knn.kneighbors(wide[:n_query]), lambda found: wide.nbytes),
        flops=lambda found: 2 * n_query * cells,
        dtype=np.float32,
        rest="the nearest are found again exactly",
    )
    yield Work(
        *("neighbours", "KD-tree, 5 neighbours, 3 columns", lambda: near.kneighbors(small)),
        lambda found: len(small) * 3 * 30 * 8,
        rest="bytes: of one leaf a query; the way down, the leaves beside, and the order of five",
    )
    yield Work(
        *("trees", f"depth {depth}", lambda: DecisionTreeClassifier(max_depth=depth).fit(X[:tree_rows], y[:tree_rows])),
        lambda fit: tree_rows * X.shape[1] * (8 + 4 * fit.get_depth()),
        rest="bytes: X once, then a number a row and column at each depth; sorting the columns, exact splits",
    )
    yield Work(
        *("networks", "784-100-10, one epoch", lambda: network(wide, digits), lambda fit: wide.nbytes),
        flops=lambda fit: 6 * cells * 100,
        dtype=np.float32,
        rest="activations, the solver's steps, and validation",
    )
    yield Work(
        *("metrics", "confusion_matrix", lambda: confusion_matrix(y, y[::-1].copy()), lambda found: 3 * y.nbytes),
        rest="the labels are looked for before they are counted",
    )
    yield Work(
        *("texts", "CountVectorizer.fit", lambda: CountVectorizer().fit(texts)),
        lambda fit: sum(map(len, texts)),
        rest="words are found, hashed and counted one after another",
    )


def network(X, y):
    return MLPClassifier((100,), max_iter=1, batch_size=200, random_state=0).fit(X, y)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--share", type=float, default=1.0, help="of the rows: 0.01 for a try")
    share = parser.parse_args().share
    warnings.simplefilter("ignore", sklearn.exceptions.ConvergenceWarning)
    speed, rates = bandwidth(), {dtype: flops(dtype) for dtype in (np.float32, np.float64)}
    print("# Distance from the limit\n")
    print(f"{THREADS} threads read {speed / 1e9:.1f} GB/s and multiply and add", end=" ")
    print(f"{rates[np.float64] / 1e9:.0f} (float64) or {rates[np.float32] / 1e9:.0f} (float32) Gflop/s.\n")
    print("| family | work | bound | least | fastml | share | what else is done |\n|---|---|---|---|---|---|---|")
    for work in works(share):
        work.run()
        seconds, found = median_seconds(work.run)
        least, bound = max((work.bytes(found) / speed, "bytes"), (work.flops(found) / rates[work.dtype], "flops"))
        print(f"| {work.family} | {work.name} | {bound} | {1000 * least:.2f} ms | {1000 * seconds:.2f} ms", end=" | ")
        print(f"{100 * least / seconds:.0f} % | {work.rest} |")


if __name__ == "__main__":
    main()
