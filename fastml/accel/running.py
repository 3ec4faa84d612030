"""Runs a script, a module or a text as `python` itself would: `__main__`, sys.argv, sys.path, errors, exit codes."""

import builtins
import importlib.util
import io
import os
import pkgutil
import runpy
import sys
from importlib.machinery import BuiltinImporter, SourceFileLoader
from types import FunctionType, ModuleType
from typing import Any

__all__ = ["run_module", "run_script", "run_text"]

# Words that a call asks of the interpreter's stack. CPython 3.11 keeps that in pieces of 2,048 words, and gives a piece
# back when the call that needed it returns: where an import's calls go up and down over such an edge, each pays for two
# system calls and a page. Importing scikit-learn meets 4,000 to 16,000 of them, 0.02 to 0.1 s, as the depth falls. A
# call that asks for more gets a piece of twice its size, whose other half has room for all that it calls.
ROOM = 16_500
# Frames between the interpreter and the program, which no traceback shows.
BEFORE = (__file__, runpy.__file__, "<frozen runpy>", os.path.join(os.path.dirname(__file__), "__main__.py"))


def run_script(path, arguments):
    """A file, a folder or an archive with `__main__.py`, or "-": what stands on standard input."""
    if path == "-":
        sys.argv = [path, *arguments]
        look_first_in("")
        return run_source(sys.stdin.read(), "<stdin>", BuiltinImporter, __file__="<stdin>")
    sys.argv = [path, *arguments]
    if path.endswith(".pyc") or pkgutil.get_importer(path) is not None:
        if not sys.flags.safe_path:
            sys.path[0] = os.path.dirname(os.path.realpath(path))  # runpy puts a folder or an archive in front
        return run_roomy(lambda: runpy.run_path(path, run_name="__main__"))
    path = os.path.abspath(path)
    try:
        with io.open_code(path) as file:
            source = file.read()
    except OSError as error:
        told = f"[Errno {error.errno}] {error.strerror}"
        print(f"{sys.executable}: can't open file {path!r}: {told}", file=sys.stderr)
        raise SystemExit(2) from None
    look_first_in(os.path.dirname(os.path.realpath(path)))
    return run_source(source, path, SourceFileLoader("__main__", path), __file__=path)


def run_text(text, arguments):
    """What stands behind `-c`."""
    sys.argv = ["-c", *arguments]
    look_first_in("")
    return run_source(text, "<string>", BuiltinImporter)


def run_module(name, arguments):
    """A module or a package by its name."""
    sys.argv = [name, *arguments]
    look_first_in(os.getcwd())
    if missing := missing_module(name):
        raise SystemExit(f"{sys.executable}: {missing}")
    return run_roomy(lambda: runpy.run_module(name, run_name="__main__", alter_sys=True))


def missing_module(name):
    """What `python -m` says where there is no such module, or ""."""
    try:
        found = importlib.util.find_spec(name)
        if found and found.submodule_search_locations and not importlib.util.find_spec(f"{name}.__main__"):
            return f"No module named {name}.__main__; {name!r} is a package and cannot be directly executed"
    except ModuleNotFoundError as error:
        if f"{name}.".startswith(f"{error.name}."):
            return f"Error while finding module specification for {name!r} (ModuleNotFoundError: {error})"
        raise  # of what the package itself imports
    return "" if found else f"No module named {name}"


def look_first_in(folder):
    if not sys.flags.safe_path:
        sys.path[0] = folder


def run_source(source, file, loader, **more):
    """Run a program's text as the module `__main__`, which stays it: threads and what runs at exit may ask."""
    module = ModuleType("__main__")
    module.__dict__.update({"__annotations__": {}, "__builtins__": builtins, "__loader__": loader, **more})
    if more:
        module.__cached__ = None  # type: ignore[attr-defined]
    sys.modules["__main__"] = module
    return run_roomy(lambda: exec(compile(source, file, "exec", dont_inherit=True), module.__dict__))


def run_roomy(call):
    """Call with room on the interpreter's stack; an error is told as the program's own."""
    if sys.implementation.name == "cpython":
        code = called.__code__.replace(co_stacksize=ROOM)
        roomy: Any = FunctionType(code, called.__globals__)
    else:
        roomy = called
    try:
        roomy(call)
    except BaseException:
        sys.excepthook = told_by(sys.excepthook)
        raise


def called(call):
    call()


def told_by(hook):
    """`hook`, which gets an error without the frames that only started the program."""

    def tell(kind, error, where):
        while where is not None and where.tb_frame.f_code.co_filename in BEFORE:
            where = where.tb_next
        hook(kind, error.with_traceback(where), where)

    return tell
