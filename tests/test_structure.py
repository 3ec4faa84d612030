"""The rules of the layout that a test can hold; CONTRIBUTING.md says why they are there."""

import ast
import importlib
import inspect
import pkgutil
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from repeats import repeats
from sizes import sizes

import fastml
import fastml_ext
from fastml.base import Estimator

ROOTS = {"fastml": Path(fastml.__path__[0]), "fastml_ext": Path(fastml_ext.__path__[0])}
SOURCES = {
    ".".join((name, *path.relative_to(root).with_suffix("").parts)).removesuffix(".__init__"): path
    for name, root in ROOTS.items()
    for path in sorted([*root.rglob("*.py"), *root.rglob("*.pyx")])
}
PYTHON = {name: path for name, path in SOURCES.items() if path.suffix == ".py"}
FAMILIES = [name for name in PYTHON if name.count(".") == 1 and f"{name}.cases" in PYTHON]
# Parameters of a kernel that its definition has no use for.
HOW_NOT_WHAT = {"n_jobs", "progress", "scratch"}


def tree(path):
    return ast.parse(path.read_text(encoding="utf-8"))


def imports(path):
    """Names of the modules that a file imports, those imported inside functions too."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: relative import"
            yield node.module


PROJECT = Path(__file__).resolve().parents[1]
EVERY_FILE = [
    *PYTHON.values(),
    *(path for folder in ("tests", "benchmarks") for path in (PROJECT / folder).rglob("*.py")),
]


DOOR = PYTHON["fastml._sklearn"]


@pytest.mark.parametrize("path", [path for path in EVERY_FILE if path != DOOR], ids=lambda p: "/".join(p.parts[-3:]))
def test_private_names_of_scikit_learn_come_through_one_door(path):

    def private(name):
        return any(part.startswith("_") and not part.startswith("__") for part in name.split("."))

    for node in ast.walk(tree(path)):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Attribute):
            names = [ast.unparse(node)]
        for name in names:
            assert not (name.startswith("sklearn.") and private(name)), f"{path}:{node.lineno}: {name}"


def test_scikit_learn_has_every_private_name_that_fastml_takes():
    from fastml import _sklearn

    taken = set()
    for path in EVERY_FILE:
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.ImportFrom) and node.module == "fastml._sklearn":
                taken |= {alias.name for alias in node.names} - set(_sklearn.__all__)
    assert {name: getattr(_sklearn, name).__name__ for name in taken} == {name: name for name in _sklearn.PRIVATE}


def test_the_oldest_versions_that_ci_tries_are_those_that_pyproject_allows():
    about = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = about["optional-dependencies"]
    asked = [
        *about["dependencies"],
        *(line for name in ("jit", "plot", "report", "symbolic", "test") for line in extras[name]),
    ]
    lowest = {m[1]: m[2] for line in asked if (m := re.match(r"([\w-]+)>=([\d.]+)", line))}
    oldest = dict(
        line.split("==")
        for line in (PROJECT / ".ci/oldest.txt").read_text(encoding="utf-8").splitlines()
        if not line.startswith("#")
    )
    of_others = {"threadpoolctl", "mpmath"}  # scikit-learn's and SymPy's

    def padded(version):
        return [int(part) for part in f"{version}.0.0".split(".")[:3]]

    assert {name: padded(lowest[name]) for name in oldest if name not in of_others} == {
        name: padded(version) for name, version in oldest.items() if name not in of_others
    }
    assert {name.split(">")[0] for name in about["dependencies"]} <= set(oldest)


def test_actions_are_pinned():
    for path in (PROJECT / ".github/workflows").glob("*.yml"):
        for line in re.findall(r"uses: (.*)", path.read_text(encoding="utf-8")):
            assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v\d+(\.\d+)*", line), f"{path.name}: {line}"


def is_reference(name):
    return any(part == "reference" or part.endswith("_reference") for part in name.split("."))


def uses_within(package):
    """{module of a package: its modules that it imports, also inside functions}."""
    members = {name for name in PYTHON if name.startswith(f"{package}.")}
    uses = {}
    for name in members:
        found = set(imports(PYTHON[name]))
        for node in ast.walk(tree(PYTHON[name])):
            if isinstance(node, ast.ImportFrom):
                found |= {f"{node.module}.{alias.name}" for alias in node.names}
        uses[name] = found & members
    return uses


TRAINS = ("autodiff", "linear_model", "naive_bayes", "neural_network", "svm", "tree")


@pytest.mark.parametrize("name", [name for name in PYTHON if name.startswith(tuple(f"fastml.{f}" for f in TRAINS))])
def test_training_ends_in_one_place(name):
    """Ctrl-C is heard by fastml.training, and with it by one loop: no family has one of its own."""
    for node in ast.walk(tree(PYTHON[name])):
        if isinstance(node, ast.ExceptHandler) and node.type is not None:
            assert "KeyboardInterrupt" not in ast.unparse(node.type), f"{name}:{node.lineno}"


def test_autodiff_has_no_ring():
    """No module of it imports another that imports it, over whatever others and wherever the import stands."""
    uses = uses_within("fastml.autodiff")
    assert len(uses) > 20
    while uses:
        leaves = {name for name, needed in uses.items() if not needed}
        assert leaves, f"these import each other: {sorted(uses)}"
        uses = {name: needed - leaves for name, needed in uses.items() if name not in leaves}


def test_there_is_something_to_check():
    assert {
        "fastml.base",
        "fastml.neighbors",
        "fastml_ext.pool",
        "fastml_ext.checks",
        "fastml_ext.neighbors.reference",
    } <= set(SOURCES)
    assert "fastml_ext.neighbors" in FAMILIES


@pytest.mark.parametrize("name", [name for name in PYTHON if name.startswith("fastml_ext")])
def test_kernels_import_only_what_they_may(name):
    allowed = {"numpy", "scipy", "numba", "llvmlite", "threadpoolctl", "fastml_ext"} | sys.stdlib_module_names
    assert {module.split(".")[0] for module in imports(PYTHON[name])} <= allowed


GROUND = {"blas", "blocks", "device", "jit", "lazy", "levels", "numba_cache", "pool"}


@pytest.mark.parametrize(
    "name", [name for name in PYTHON if name.startswith(tuple(f"{each}." for each in [*FAMILIES, "fastml_ext.device"]))]
)
def test_kernels_import_from_their_own_family_and_from_the_ground_floor_only(name):
    """Caches look for changed sources there alone, and a family can be read without the others."""
    family = name.split(".")[1]
    places = set()
    for node in ast.walk(tree(PYTHON[name])):
        if isinstance(node, ast.ImportFrom) and node.module.split(".")[0] == "fastml_ext":
            places |= {node.module.split(".")[1]} if "." in node.module else {alias.name for alias in node.names}
    assert places <= ({"device", "jit"} if family == "device" else {family} | GROUND)


@pytest.mark.parametrize("name", [name for name in PYTHON if is_reference(name)])
def test_references_import_numpy_and_math_only(name):
    others = {m for m in imports(PYTHON[name]) if m not in ("numpy", "math") and not is_reference(m)}
    assert others == set()


def names_given_to(function, wanted):
    """Names of the variables that a function's code hands to `wanted`."""
    calls = [n for n in ast.walk(function) if isinstance(n, ast.Call) and getattr(n.func, "id", None) == wanted]
    return {argument.id for call in calls for argument in call.args if isinstance(argument, ast.Name)}


@pytest.mark.parametrize("name", [name for name in PYTHON if name.startswith("fastml_ext.")])
def test_arrays_of_a_kernels_own_live_as_long_as_what_borrows_from_them(name):
    """Numba frees an array after its last use by name: another thread may then be given the memory."""
    for function in ast.walk(tree(PYTHON[name])):
        if isinstance(function, ast.FunctionDef):
            own = names_given_to(function, "borrow") - {argument.arg for argument in function.args.args}
            assert own <= names_given_to(function, "keep"), f"{function.name}: borrowed from, and not kept"


@pytest.mark.parametrize("name", PYTHON)
def test_numba_options_stand_in_jit_only(name):
    if name == "fastml_ext.jit":
        return
    compilers = {"njit", "jit", "vectorize", "guvectorize", "generated_jit", "stencil", "prange"}
    for node in ast.walk(tree(PYTHON[name])):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "numba":
            assert not compilers & {alias.name for alias in node.names}
        if isinstance(node, ast.keyword):
            assert node.arg not in {"fastmath", "nogil", "error_model", "parallel"}


@pytest.mark.parametrize("name", PYTHON)
def test_files_stay_small(name):
    assert len(PYTHON[name].read_text(encoding="utf-8").splitlines()) <= 500
    assert "utils" not in name


# Signatures of scikit-learn's contract or of the user's interface: each parameter is a setting with a default.
PUBLIC_SIGNATURES = {
    "fastml.autodiff.optimize.minimize",
    "fastml.comparing.compare",
    "fastml.linear_model.logistic.LogisticRegression.__init__",
    "fastml.linear_model.perceptron.Perceptron.__init__",
    "fastml.linear_model.sgd.SGDClassifier.__init__",
    "fastml.linear_model.sgd_regressor.SGDRegressor.__init__",
    "fastml.model_selection.validation.cross_val_score",
    "fastml.model_selection.validation.cross_validate",
    "fastml.neighbors.classification.RadiusNeighborsClassifier.__init__",
    "fastml.neural_network.classifier.MLPClassifier.__init__",
    "fastml.neural_network.regressor.MLPRegressor.__init__",
    "fastml.svm.LinearSVC.__init__",
    "fastml.tree.classes.DecisionTreeClassifier.__init__",
    "fastml.tree.classes.DecisionTreeRegressor.__init__",
    "fastml.tree.diagram.export_graphviz",
    "fastml.tree.drawing.plot_tree",
}
# What is larger than the limits and should not be. This list only shrinks: no name is added, and one that keeps the
# limits goes out.
TOO_LARGE = {
    "fastml.linear_model.objective.Objective.__init__",
    "fastml_ext.autodiff.machine._scalar",
    "fastml_ext.features.vocabulary._count",
    "fastml_ext.linear.epochs.dense_slice",
    "fastml_ext.linear.epochs.sparse_slice",
    "fastml_ext.linear.multiclass.dense_sweeps",
    "fastml_ext.linear.multiclass.sparse_sweeps",
    "fastml_ext.linear.newton.descend",
    "fastml_ext.linear.passes.sparse_pass",
    "fastml_ext.neighbors.kd_tree.search.descend",
    "fastml_ext.neighbors.kd_tree.search.nearest_kernel",
    "fastml_ext.neighbors.kd_tree.search.nearest_kernel.nearest",
    "fastml_ext.neighbors.kd_tree.search.within_kernel.within",
    "fastml_ext.neural.batches.one_block",
    "fastml_ext.neural.batches.train_shared",
    "fastml_ext.neural.dispatch.share",
    "fastml_ext.neural.passes.drop",
}
LINES, PARAMETERS = 60, 10


def test_functions_stay_small():
    """At most 60 lines below the docstring and 10 parameters, but for what is listed; no name is listed in vain."""
    large = {
        f"{module}.{name}"
        for module, path in SOURCES.items()
        for name, size in sizes(path).items()
        if size.lines > LINES or size.parameters > PARAMETERS
    }
    listed = PUBLIC_SIGNATURES | TOO_LARGE
    assert large - listed == set(), "over 60 lines or 10 parameters: make parts with names"
    assert listed - large == set(), "within the limits now: take it off the list"
    assert not PUBLIC_SIGNATURES & TOO_LARGE


# Estimators that stand on more classes of ours than a reader can hold in mind. This list only shrinks.
TOWERS = {
    "LinearRegression", "LinearSVC", "LogisticRegression", "Perceptron", "Ridge", "SGDClassifier", "SGDRegressor",
}  # fmt: skip
CLASSES = 3


def test_estimators_stand_on_few_classes():
    """At most three of ours, `Estimator` among them: what else they need, they have or call."""
    high = set()
    for module in pkgutil.iter_modules(fastml.__path__):
        module = importlib.import_module(f"fastml.{module.name}")
        for name in getattr(module, "__all__", []):
            made = getattr(module, name)
            if inspect.isclass(made) and issubclass(made, Estimator):
                below = [each for each in made.__mro__[1:] if each.__module__.startswith("fastml.")]
                high |= {name} if len(below) > CLASSES else set()
    assert high == TOWERS, "compose: give the estimator a part, or make the class functions"


CYTHON = """
cdef inline double f(double[:, ::1] x,  # (n, d)
                     int k=(1)) noexcept nogil:
    'Text'
    cdef int i

    return 0

cdef struct S:
    int a
cdef int declared(int a)
cdef class C:
    def g(self, *, a):
        pass
"""


def test_sizes_are_counted(tmp_path):
    (tmp_path / "a.pyx").write_text(CYTHON.replace("'", '"""'))
    assert sizes(tmp_path / "a.pyx") == {"f": (3, 2), "g": (1, 1)}
    (tmp_path / "b.py").write_text("class A:\n  def f(self, a, /, b=(1, 2), *, c):\n    'Text'\n    return a\n")
    assert sizes(tmp_path / "b.py") == {"A.f": (1, 3)}


# Pairs of kernels that hold the same lines for a reason: {(one, other): reason}. This list only shrinks.
REPEATED: dict = {}
SAME_LINES = 10


def test_no_two_kernels_hold_the_same_ten_lines():
    """Nor one of them twice; the same is what differs in names and numbers alone."""
    kernels = {
        name: path
        for name, path in SOURCES.items()
        if name.startswith("fastml_ext.") and not is_reference(name) and not name.endswith("cases")
    }
    assert repeats(kernels, SAME_LINES) == set(REPEATED), "give the lines a name; a pair that is gone goes off the list"


ONE_LOOP = """
def first(x, total):
    'Text'
    for a in x:
        if a > 0:
            total += a  # why
    return total
"""
SAME_LOOP = """
cdef double second(double[:] values, double s):
    for v in values:  # another comment
        if v > 1.5:

            s += v
    return s
"""


def test_repeats_are_found(tmp_path):
    python, other, cython = (tmp_path / name for name in ("a.py", "b.py", "c.pyx"))
    python.write_text(ONE_LOOP)
    other.write_text("class A:\n" + ONE_LOOP.replace("total += a", "total += x").replace("\n", "\n    "))
    cython.write_text(SAME_LOOP)
    assert repeats({"a": python, "c": cython}, 4) == {("a.first", "c.second")}
    assert repeats({"a": python, "c": cython}, 5) == set()
    assert repeats({"a": python, "b": other}, 3) == set()  # other names in other places
    assert repeats({"a": python, "b": other}, 2) == {("a.first", "b.A.first")}
    python.write_text(ONE_LOOP.replace("return", "for b in x:\n        if b > 2:\n            total += b\n    return"))
    assert repeats({"a": python}, 3) == {("a.first", "a.first")}


@pytest.mark.parametrize("name", [name for name, path in SOURCES.items() if path.suffix == ".pyx"])
def test_records_are_typed(name):
    """An array of records is a view of its struct, whose fields are checked: nobody casts a buffer of bytes to one."""
    assert re.findall(r"<(?:const )?[A-Z]\w*\*> ?&\w+\[", SOURCES[name].read_text(encoding="utf-8")) == []


def test_importing_the_api_does_not_load_numba():
    modules = [name for name in PYTHON if name.startswith("fastml.") and "__main__" not in name]
    code = (
        "import importlib, sys\nfor m in sys.argv[1:]: importlib.import_module(m); assert 'numba' not in sys.modules, m"
    )
    done = subprocess.run([sys.executable, "-c", code, *modules], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_importing_kernels_loads_no_compiler():
    of_numba = ("fastml_ext.numba_cache", "fastml_ext.ahead.")
    modules = [name for name in PYTHON if name.startswith("fastml_ext") and not name.startswith(of_numba)]
    code = (
        "import importlib, sys\nfor m in sys.argv[1:]:\n    importlib.import_module(m)\n"
        "    assert not {'numba', 'llvmlite'} & set(sys.modules), m"
    )
    done = subprocess.run([sys.executable, "-c", code, *modules], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_importing_fastml_loads_no_submodule():
    code = (
        "import sys, fastml; print(sorted(m for m in sys.modules if m.split('.')[0] in ('fastml', 'sklearn', 'numpy')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['fastml']"


def parameters(function):
    return [name for name in inspect.signature(function).parameters if name not in HOW_NOT_WHAT]


@pytest.mark.parametrize("family", FAMILIES)
def test_every_exported_kernel_has_a_twin_with_the_same_parameters(family):
    package, reference = importlib.import_module(family), importlib.import_module(f"{family}.reference")
    functions = [name for name in package.__all__ if inspect.isroutine(getattr(package, name))]
    assert functions
    for name in functions:
        assert hasattr(reference, name), f"{family}.{name} has no reference"
        assert parameters(getattr(package, name)) == parameters(getattr(reference, name)), name


@pytest.mark.parametrize("family", FAMILIES)
def test_no_export_has_the_name_of_a_module(family):
    """Whoever imports that module would put it in the place of the function."""
    package = importlib.import_module(family)
    assert not {module.name for module in pkgutil.iter_modules(package.__path__)} & set(package.__all__)


def test_checks_have_twins():
    from fastml_ext import checks, checks_reference

    for name in checks_reference.__all__:
        assert parameters(getattr(checks, name)) == parameters(getattr(checks_reference, name))


@pytest.mark.parametrize("name", [m.name for m in pkgutil.iter_modules(fastml.__path__) if not m.name.startswith("_")])
def test_public_names_are_documented(name):
    module = importlib.import_module(f"fastml.{name}")
    assert module.__doc__
    for public in getattr(module, "__all__", []):
        assert getattr(module, public).__doc__, f"fastml.{name}.{public}"


def test_every_benchmark_is_collected():
    files = sorted((Path(__file__).resolve().parents[1] / "benchmarks").glob("bench_*.py"))
    assert len(files) > 10
    assert [file.name for file in files if f"\n{file.stem} = benchmarks(" not in file.read_text(encoding="utf-8")] == []


@pytest.mark.parametrize("package", ROOTS)
def test_the_layout_of_contributing_names_every_part(package):
    page = Path(__file__).parents[1] / "CONTRIBUTING.md"
    picture = page.read_text(encoding="utf-8").partition(f"\n{package}/ ")[2].partition("\ntests/ ")[0]
    picture = picture.partition("\nfastml_ext/ ")[0]
    parts = {name.split(".")[1] for name in SOURCES if name.startswith(f"{package}.")} - {"__main__", "checks_cases"}
    assert picture
    assert {part for part in parts if not re.search(rf"\b{part}\b", picture)} == set()
