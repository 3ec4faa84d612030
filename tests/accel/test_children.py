"""Processes that a program under fastml.accel starts."""

CODE = """
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from joblib import Parallel, delayed
from sklearn.linear_model import LogisticRegression
def served(number):
    from sklearn.neighbors import KNeighborsClassifier
    return [hasattr(cls, "_own") for cls in (KNeighborsClassifier, LogisticRegression)]
if __name__ == "__main__":
    for way in ("fork", "spawn", "forkserver"):
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context(way)) as pool:
            print(way, *pool.map(served, [1]))
    print("loky", *Parallel(2, backend="loky")(delayed(served)(i) for i in range(2)))
    import fastml.accel
    fastml.accel.uninstall()
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        print("after", *pool.map(served, [1]))
"""


def test_children_are_accelerated_until_it_is_taken_away(program):
    yes, no = [True, True], [False, False]
    wanted = f"fork {yes}\nspawn {yes}\nforkserver {yes}\nloky {yes} {yes}\nafter {no}\n"
    assert program(CODE, "-m", "fastml.accel", "program.py") == wanted
