"""Compile the variants of signatures.txt ahead: objects, and the C source that lists them, for each level.

    python -m fastml_ext.ahead.compile v3 v4 --folder build/ahead --jobs 2

setup.py runs this and links what it leaves: <folder>/<level>/table.c and the objects beside it. An object is kept until
the sources it was made from change: its kernel's module, those of the named tuples it takes, and what these import.
"""

import argparse
import ast
import functools
import gc
import hashlib
import importlib
import json
import multiprocessing
import os
import platform
import re
import sys
from concurrent.futures import ProcessPoolExecutor, as_completed
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

__all__ = ["LANES", "Variant", "find", "main", "read_list"]

ROOT = Path(__file__).parents[1]
LIST = ROOT / "signatures.txt"
LANES = {"v2": 4, "v3": 8, "v4": 16, "native": 4}  # float32 values in a register of each level
FEATURES = {
    "v2": "",
    "v3": "avx2 bmi bmi2 f16c fma lzcnt movbe",
    "v4": "avx512f avx512bw avx512cd avx512dq avx512vl avx2 bmi bmi2 f16c fma lzcnt movbe",
}
TABLE = """\
/* Written by fastml_ext/ahead/compile.py: the kernels of level LEVEL. */
#include "runtime.c"

DECLARATIONS

static const fastml_variant variants[] = {
VARIANTS
    {NULL, NULL, NULL, NULL},
};

static int fill_module(PyObject *module) { return fill(module, variants, COUNT, "DIGEST"); }

static PyModuleDef_Slot slots[] = {
    {Py_mod_exec, fill_module},
#ifdef Py_mod_gil
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
    {0, NULL},
};

static PyModuleDef definition = {PyModuleDef_HEAD_INIT, "_kernels_LEVEL", NULL, 0, NULL, slots, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit__kernels_LEVEL(void) { return PyModuleDef_Init(&definition); }
"""
# What --common leaves to Numba, so that a build takes less time: patterns of lines of the list.
RARE = (
    r"kd_tree\.search\.\w+_kernel.*METRIC=[^0]",  # trees of distances other than the Euclidean one
    r"^naive_bayes\..*\tllA[bBhHiIlL]2C",  # tables of integers that are taken as they are
    r"(sparse|event_rows|neural\.codes\.Table).*A[df]1CwAl1CwAl1Cw",  # sparse rows whose indices need 64 bits
)
NOT_INLINED = {"", "blas", "lazy", "levels", "pool"}  # modules that kernels are called through
MAKERS = ("back", "codes", "front")  # modules beside this one that objects depend on
NO_CODE = re.compile(r"(^|_)(cases|reference)(\.py$|$)")  # parts of a path that hold no kernel


class Variant(NamedTuple):
    """A kernel, by the name that fastml_ext.jit gives it, and the codes of its arguments."""

    kernel: str
    code: str

    @property
    def symbol(self):
        return "fastml_" + hashlib.sha256("\t".join(self).encode()).hexdigest()[:16]


def levels_of(wish):
    """The levels that FASTML_AOT stands for: none, common, host, all, or names of levels with commas between."""
    here = ("v2", "v3", "v4") if platform.machine().lower() in ("x86_64", "amd64") else ("native",)
    if wish in ("common", "host"):
        return (host_level(),)
    levels = {"none": (), "all": here}.get(wish, tuple(wish.split(",")))
    if not set(levels) <= set(here):
        raise ValueError(f"FASTML_AOT={wish!r} must be none, common, host, all, or some of {','.join(here)}")
    return levels


def host_level():
    """The highest level that this machine's processor has."""
    import llvmlite.binding

    has = llvmlite.binding.get_host_cpu_features()
    if "sse2" not in has:
        return "native"
    return max(level for level, needed in FEATURES.items() if all(map(has.get, needed.split())))


def read_list(path=LIST):
    """The variants of a list; its comments and empty lines are left out."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return [Variant(*line.split("\t")) for line in lines if line and not line.startswith("#")]


def is_rare(variant):
    """Is a (kernel, code) left out by --common?"""
    return any(re.search(pattern, "{}\t{}".format(*variant)) for pattern in RARE)


def find(name):
    """The kernel of that name: an attribute of a module, or what a function of the module makes for a closure."""
    path, _, closure = name.partition("[")
    module = module_of(name)
    factory, *inner = path.removeprefix(f"{module}.").split(".")
    found = getattr(importlib.import_module(f"fastml_ext.{module}"), factory)
    if not inner:
        return found
    values = dict(pair.split("=") for pair in closure.rstrip("]").split(","))
    return found(**{parameter: ast.literal_eval(value) for parameter, value in values.items()})


def module_of(name):
    """The module of a kernel, below fastml_ext, by the files that there are."""
    parts = name.partition("[")[0].split(".")
    for end in range(len(parts) - 1, 0, -1):
        if source_of(".".join(parts[:end])):
            return ".".join(parts[:end])
    raise LookupError(f"{name}: there is no such module in {ROOT}; record the list again")


def source_of(module):
    """The file of a module below fastml_ext, or None."""
    place = ROOT.joinpath(*module.split("."))
    return next((path for path in (place.with_suffix(".py"), place / "__init__.py") if path.exists()), None)


@functools.cache
def imported(module):
    """This module and those below fastml_ext that it imports, and so on; without those that no kernel inlines."""
    found, waiting = set(), [module]
    while waiting:
        each = waiting.pop()
        if each not in found and each not in NOT_INLINED and source_of(each):
            found.add(each)
            if each != "jit":
                waiting += imports_of(each)
    return frozenset(found)


@functools.cache
def imports_of(module):
    """Names below fastml_ext that a module imports; of these, some are no modules."""
    names = []
    for node in ast.walk(ast.parse(source_of(module).read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module.partition(".")[0] == "fastml_ext":
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return [name.removeprefix("fastml_ext").removeprefix(".") for name in names]


@functools.cache
def has_lanes(module):
    """Does its code depend on how wide the registers are?"""
    return any(re.search(r"\bjit import .*\bLANES|\bjit\.LANES", source_of(m).read_text()) for m in imported(module))


def digest(variant):
    """Hash of all that may change the code of a variant, but for the level."""
    records = re.findall(r"N([\w.]+)\.\w+{", variant.code)
    return digest_of(frozenset().union(*map(imported, [module_of(variant.kernel), *records])))


@functools.cache
def digest_of(modules):
    made_with = [version("numba"), version("llvmlite"), version("numpy"), *map(str, sys.version_info[:2])]
    paths = [*map(source_of, sorted(modules)), *(Path(__file__).with_name(f"{name}.py") for name in MAKERS)]
    parts = [*made_with, *(path.read_text(encoding="utf-8") for path in paths)]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def digest_of_sources():
    """Hash of the sources of all kernels: what `fastml info` compares an extension with."""
    families = sorted(
        path.name for path in ROOT.iterdir() if path.is_dir() and path.name not in ("ahead", "__pycache__")
    )
    text = "\0".join(path.read_text(encoding="utf-8") for family in families for path in sources(family))
    return hashlib.sha256(text.encode()).hexdigest()


def sources(family):
    paths = sorted((ROOT / family).rglob("*.py"))
    return [path for path in paths if not any(NO_CODE.search(part) for part in path.relative_to(ROOT).parts)]


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("levels", nargs="+", choices=LANES)
    parser.add_argument("--folder", type=Path, default=Path("build/ahead"))
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--list", type=Path, default=LIST)
    parser.add_argument("--common", action="store_true", help="leave out what is rarely called: see RARE")
    given = parser.parse_args(arguments)
    variants = [each for each in read_list(given.list) if not (given.common and is_rare(each))]
    for level in given.levels:
        (given.folder / level).mkdir(parents=True, exist_ok=True)
    compile_missing(variants, given.levels, given.folder, given.jobs)
    for level in given.levels:
        write_table(variants, level, given.folder / level)


def compile_missing(variants, levels, folder, jobs):
    """Compile what has no object that is up to date; every failure is told, then the build fails."""
    tasks = [
        (lanes, each, folder, {variant: digest(variant) for variant in group})
        for lanes, each, group in groups(variants, levels, folder, jobs)
    ]
    failures = []
    with ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn"), max_tasks_per_child=1) as pool:
        for future in as_completed([pool.submit(compile_group, *task) for task in tasks]):
            failures += future.result()
    if failures:
        sys.exit("\n".join(["kernels cannot be compiled ahead:", *sorted(failures)]))


def groups(variants, levels, folder, jobs):
    """(lanes, levels, variants) that one process compiles: kernels of a module together, since they share functions."""
    waiting = {}
    for variant in sorted(variants):
        missing = tuple(level for level in levels if not up_to_date(variant, folder / level))
        wide = has_lanes(module_of(variant.kernel))
        for lanes in {LANES[level] for level in missing} if wide else {0}:
            each = tuple(level for level in missing if LANES[level] == lanes or not wide)
            if each:
                waiting.setdefault((lanes, each), []).append(variant)
    for (lanes, each), members in waiting.items():
        size = max(20, -(-len(members) // (2 * jobs)))
        for start in range(0, len(members), size):
            yield lanes, each, members[start : start + size]


def up_to_date(variant, folder):
    note = folder / f"{variant.symbol}.json"
    return note.exists() and json.loads(note.read_text())["digest"] == digest(variant)


def compile_group(lanes, levels, folder, digests):
    """Compile the variants that `digests` holds, in this process: what failed, in words."""
    gc.disable()  # nothing that is made here is ever dropped, and searching it takes a third of the time
    from fastml_ext import jit

    jit.LANES = lanes
    from fastml_ext.ahead import back, codes, front

    front.keep_as_ir()
    failures = []
    for variant in digests:
        try:
            kernel = find(variant.kernel)
            lowered = front.lower(getattr(kernel, "dispatcher", kernel), codes.types_of(variant.code))
            for level in levels:
                made = back.emit(lowered, level, variant.symbol)
                keep(variant, folder / level, digests[variant], made, lowered.result)
        except Exception as error:
            failures.append(f"  {variant.kernel} {variant.code}: {error}")
    return failures


def keep(variant, folder, sources_digest, made, result):
    """Write an object, then the note that says what it is."""
    (folder / f"{variant.symbol}.o").write_bytes(made.code)
    arrays = iter(made.read_only)
    code = re.sub(r"(A.\d.)([wr])", lambda found: found[1] + ("r" if next(arrays) else found[2]), variant.code)
    note = {"digest": sources_digest, "code": code, "result": result}
    (folder / f"{variant.symbol}.json").write_text(json.dumps(note))


def write_table(variants, level, folder):
    """The C source of a level's extension: its variants, sorted by kernel. What is no longer listed is removed."""
    for path in folder.glob("fastml_*"):
        if path.stem not in {variant.symbol for variant in variants}:
            path.unlink()
    rows, declarations = [], []
    for variant in sorted(variants):
        note = json.loads((folder / f"{variant.symbol}.json").read_text())
        declarations.append(f"extern int32_t {variant.symbol}(uint64_t *, uint64_t *, fastml_excinfo **);")
        rows.append(f'    {{"{variant.kernel}", "{note["code"]}", "{note["result"]}", {variant.symbol}}},')
    text = TABLE.replace("LEVEL", level).replace("DIGEST", digest_of_sources())
    text = text.replace("DECLARATIONS", "\n".join(declarations)).replace("VARIANTS", "\n".join(rows))
    text = text.replace("COUNT", str(len(rows)))
    (folder / "table.c").write_text(text)


if __name__ == "__main__":
    main()
