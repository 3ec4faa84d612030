"""LLVM's back end: objects for the levels of a processor, from IR that is the same for all of them."""

import functools
from typing import NamedTuple

import llvmlite.binding as llvm
from numba.core.registry import cpu_target

from fastml_ext.ahead.front import ENTRY

__all__ = ["CPUS", "Object", "emit"]

CPUS = {"v2": "x86-64-v2", "v3": "x86-64-v3", "v4": "x86-64-v4", "native": ""}  # LLVM's names; "": any of its kind
# What objects may ask for, besides what LLVM calls by itself: libm, memory and what runtime.c defines.
LIBM = """
    acos asin atan atan2 cbrt ceil copysign cos cosh erf erfc exp exp2 expm1 fabs floor fma fmax fmin fmod frexp ldexp
    lgamma log log10 log1p log2 nextafter pow round sin sinh sqrt tan tanh tgamma trunc
"""
RUNTIME = """
    NRT_Allocate NRT_Free NRT_MemInfo_alloc NRT_MemInfo_alloc_aligned NRT_MemInfo_call_dtor NRT_MemInfo_data_fast
    NRT_MemInfo_new_varsize_dtor NRT_MemInfo_varsize_realloc numba_attempt_nocopy_reshape numba_frexp numba_frexpf
    numba_gil_ensure numba_ldexp numba_ldexpf numba_nextafter numba_nextafterf numba_xxdot numba_xxgemm numba_xxgemv
    Py_FatalError
"""
ENVIRONMENT = "_ZN08NumbaEnv"
# That BLAS only reads some of its arguments is told nowhere else.
DECLARATIONS = """
declare i32 @numba_xxgemm(i8, i8, i8, i64, i64, i64, ptr readonly captures(none), ptr readonly captures(none), i64,
    ptr readonly captures(none), i64, ptr readonly captures(none), ptr captures(none), i64)
declare i32 @numba_xxgemv(i8, i8, i64, i64, ptr readonly captures(none), ptr readonly captures(none), i64,
    ptr readonly captures(none), ptr readonly captures(none), ptr captures(none))
declare i32 @numba_xxdot(i8, i8, i64, ptr readonly captures(none), ptr readonly captures(none), ptr captures(none))
"""
ALLOWED = {"memcpy", "memmove", "memset", "memcmp", *RUNTIME.split()}
ALLOWED |= {name + single for name in LIBM.split() for single in ("", "f")}


class Object(NamedTuple):
    """Machine code of a kernel for one level."""

    code: bytes
    read_only: tuple  # for each array among the arguments, in the order of codes: is it never written?


def emit(lowered, level, symbol):
    """The object of a lowered kernel, whose entry is called `symbol`."""
    machine = _machine(level)
    module = _optimised(lowered.library, level).clone()
    read_only = _read_only(module, lowered)
    # The names hold a number of this process: a linker that puts objects of several together must not see them.
    for value in [*module.functions, *module.global_variables]:
        if not value.is_declaration and value.name != ENTRY and value.linkage != llvm.Linkage.private:
            value.linkage = "internal"
    _drop_unreached(module, machine)
    _check(module, symbol)
    entry = module.get_function(ENTRY)
    entry.name, entry.visibility = symbol, "hidden"
    return Object(machine.emit_object(module), read_only)


@functools.cache
def _machine(level):
    target = llvm.Target.from_triple(llvm.get_process_triple())
    return target.create_target_machine(cpu=CPUS[level], opt=3, reloc="pic", codemodel="default")


@functools.cache
def _shared(library, level):
    """A library's module for a level, optimised, that may be linked into several others."""
    module = _optimised(library, level)
    for function in module.functions:
        if not function.is_declaration and function.linkage == llvm.Linkage.external:
            function.linkage = "linkonce_odr"
    return module


def _optimised(library, level):
    """A library's module with all that it calls, by the passes of Numba's own compiler, in its order.

    Where a multiply and an add are fused depends on how often and in which order LLVM has seen them: functions are
    optimised on their own before they are linked into those that call them, as Numba does, or the bits would differ.
    """
    numba = cpu_target.target_context.codegen()
    numba._tm = _machine(level)
    module = llvm.parse_assembly(DECLARATIONS)
    module.link_in(library._final_module, preserve=True)
    for variable in module.global_variables:
        if variable.name.startswith(ENVIRONMENT):  # of the interpreter: what still asks for it in the end is refused
            variable.linkage = "available_externally"
    for function in module.functions:
        if not function.is_declaration:
            passes, builder = numba._function_pass_manager()
            passes.run(function, builder)
    for other in dict.fromkeys(library._linking_libraries):
        module.link_in(_shared(other, level), preserve=True)
    numba._tm = _machine(level)
    cheap = {"loop_vectorize": numba._loopvect, "slp_vectorize": False, "opt": numba._opt_level, "cost": "cheap"}
    for options in (cheap, {}):
        passes, builder = numba._module_pass_manager(**options)
        passes.run(module, builder)
    module.verify()
    return module


def _drop_unreached(module, machine):
    passes = llvm.create_new_module_pass_manager()
    passes.add_global_dead_code_eliminate_pass()
    passes.run(module, llvm.create_pass_builder(machine, llvm.create_pipeline_tuning_options(speed_level=0)))


def _check(module, symbol):
    """What is called must be there on every machine, and Python's interpreter is none of it: the GIL is released."""
    asked = {f.name for f in module.functions if f.is_declaration and not f.name.startswith("llvm.")}
    asked |= {v.name for v in module.global_variables if v.is_declaration}
    if unknown := sorted(asked - ALLOWED):
        raise RuntimeError(
            f"{symbol} asks for {', '.join(unknown)}, which nothing defines. Where these are Python's, a slice is "
            f"assigned whose shape is checked at run time: write a loop."
        )


def _read_only(module, lowered):
    parameters = {parameter.name: parameter for parameter in module.get_function(lowered.native).arguments}
    kept = [parameters.get(name) for name in lowered.data]  # a parameter that nothing uses is gone
    return tuple(each is None or not {b"readonly", b"readnone"}.isdisjoint(each.attributes) for each in kept)
