"""The list of variants, fastml_ext/signatures.txt: which kernels are called with which types of arguments.

    FASTML_LEVEL=jit FASTML_RECORD=build/record python -m pytest tests
    python -m fastml_ext.ahead.record build/record

The first line leaves in a folder what each process called from Python; any other program than pytest will do too. The
second one adds to that what `cases.py` of each family calls, and what users will call though nobody has: the same with
another dtype or index, and every kernel of the KD-tree. It replaces the list; --add keeps what stands there.

A kernel that another one calls is linked into it and stands in no line. An array's code says `w` in the list: whether
it is only read is found out when it is compiled, but for those of ONLY_READ.
"""

import argparse
import atexit
import importlib
import inspect
import itertools
import os
import re
import warnings
from pathlib import Path

__all__ = ["complete", "expected", "main", "normal", "read", "start"]

LIST = Path(__file__).parents[1] / "signatures.txt"
HEAD = """\
# The kernels that are compiled when fastml is built: name, and codes of the arguments (see ahead/codes.py).
# Written by `python -m fastml_ext.ahead.record`; CONTRIBUTING.md says when.
"""
# Calls that Numba compiles when they are made, and why they are not in the list: patterns of name and codes.
ON_PURPOSE = {
    r"^fastml_ext\.": "made for a function of the user, so it has no name of its own",
    r"^autodiff\.graph_": "written for the user's expression",
    r"kd_tree\.Tree\{A.3C.Al2": "a tree of 2**31 points or more",
    r"\t.*A.\dA[rw]": "strides are copied away before a kernel is called: only tests hand them over",
}
FAMILIES = [folder.name for folder in LIST.parent.iterdir() if (folder / "cases.py").exists()]
CASES = 40  # inputs drawn of each case
# Arrays of the user that LLVM cannot tell to be only read: by kernel, what stands before the array in the codes.
ONLY_READ = (
    ("kd_tree.search.within_kernel", r"kd_tree\.Tree\{[^}]*\}"),
    ("neural.inference.forward_part", r"neural\.codes\.Table\{"),
    *((f"scan.{kernel}_rows", before) for kernel in ("scan", "within") for before in (r"Scan\{", r"Scan\{A.\d.r")),
)
# Kernels that take the rows of a sparse matrix, or a table of either kind.
SPARSE = r"sparse|event_rows|neural\.codes\.Table"
INTEGERS = "bBhHiIlL"


def start():
    """Leave, when this process ends, what its kernels were called with; for fastml_ext.jit."""
    from fastml_ext import jit

    folder = Path(os.environ["FASTML_RECORD"]).absolute()

    def leave():
        folder.mkdir(parents=True, exist_ok=True)
        lines = [f"{name}\t{code}\n" for name, code in jit.fallbacks()]
        (folder / f"{os.getpid()}-{id(lines)}.txt").write_text("".join(sorted(lines)), encoding="utf-8")

    atexit.register(leave)


def read():
    """The calls that are listed: {(kernel, code)}."""
    return {tuple(line.split("\t")) for line in LIST.read_text(encoding="utf-8").splitlines() if line[:1] != "#"}


def normal(name, code):
    """The code as it stands in the list."""
    code = re.sub(r"(A.\d.)r", r"\1w", code)
    for kernel, before in ONLY_READ:
        if kernel in name:
            code = re.sub(rf"({before}A.\d.)w", r"\1r", code)
    return code


def expected(name, code):
    """Is such a call left to Numba on purpose?"""
    ours = name.split(".")[0] in ("fastml_ext", *FAMILIES)  # or a kernel that a user or a test has written
    return not ours or any(re.search(each, f"{name}\t{code}") for each in ON_PURPOSE)


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--add", action="store_true", help="keep what the list holds")
    given = parser.parse_args(arguments)
    call_cases()
    found = {line for path in given.folder.glob("*.txt") for line in path.read_text(encoding="utf-8").splitlines()}
    found |= {f"{name}\t{code}" for name, code in called()}
    if given.add:
        found |= {"\t".join(call) for call in read()}
    write({tuple(line.split("\t")) for line in found})


def write(calls):
    """Write the list of these (kernel, code): what belongs there, and what follows from it."""
    kept = {(name, normal(name, code)) for name, code in calls if code != "None"}
    kept = {(name, code) for name, code in kept if not expected(name, code)}
    kept = complete(kept)
    LIST.write_text(HEAD + "".join(sorted(f"{name}\t{code}\n" for name, code in kept)), encoding="utf-8")
    print(f"{len(kept)} variants of {len({name for name, _ in kept})} kernels in {LIST}")


def complete(calls):
    """These (kernel, code) and what users will call though nobody has."""
    return with_trees(with_integers(with_indices(calls)))


def call_cases():
    """Call every exported function on small inputs."""
    for family in FAMILIES:
        kernels = importlib.import_module(f"fastml_ext.{family}")
        cases = importlib.import_module(f"fastml_ext.{family}.cases")
        for name in kernels.__all__:
            for seed in range(CASES if inspect.isfunction(getattr(cases, name, None)) else 0):
                call(getattr(cases, name), kernels, seed)


def call(case, kernels, seed):
    import numpy as np

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        case(kernels, np.random.default_rng(seed))


def called():
    from fastml_ext import jit

    return jit.fallbacks()


def with_indices(calls):
    """Sparse rows with both kinds of indices: SciPy chooses them by size, and after some operations without need."""
    both = set(calls)
    for (name, code), (one, other) in itertools.product(calls, (("i", "l"), ("l", "i"))):
        rows = rf"(A[df]1C[wr])A{one}1C([wr])A{one}1C([wr])"
        if re.search(SPARSE, f"{name}\t{code}"):
            both.add((name, re.sub(rows, rf"\1A{other}1C\2A{other}1C\3", code)))
    return both


def with_integers(calls):
    """Every kind of integer, where naive Bayes takes a table of some as it is: from whoever counts."""
    every = set(calls)
    for name, code in calls:
        if name.startswith("naive_bayes.") and (found := re.match(r"(ll)A[bBhHiIlL]2C(.*)", code)):
            every |= {(name, f"{found[1]}A{letter}2C{found[2]}") for letter in INTEGERS}
    return every


def with_trees(calls):
    """All kernels of the KD-tree, for the types that any of them was called with."""
    from fastml_ext.neighbors import kd_tree

    search = "neighbors.kd_tree.search."
    nearest, within = f"{search}nearest_kernel.nearest", f"{search}within_kernel.within"
    kept = {(name, code) for name, code in calls if not name.startswith((nearest, within))}
    for name, code in set(calls) - kept:
        for columns, metric, leaf, lanes in kd_tree.all_compiled_in():
            shape = f"LEAF={leaf},METRIC={metric}"
            if name.startswith(nearest):
                kept.add((f"{nearest}[D={columns},LANES={lanes},{shape}]", code))
            else:
                kept.add((f"{within}[D={columns},{shape}]", code))
    return kept


if __name__ == "__main__":
    main()
