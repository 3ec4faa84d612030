"""Numba's front end alone: a kernel and the types of its arguments become LLVM's IR, and no machine code is made.

After `keep_as_ir()` a process can no longer call a compiled kernel: Numba is told to keep what it lowers as IR. Each
function is typed and lowered once in a process, however many kernels call it and for however many levels.
All that depends on Numba's internals stands here and in back.py; the build pins Numba's version.
"""

from typing import NamedTuple

from llvmlite import ir
from numba.core import callconv, codegen, cpu, types
from numba.core.compiler_lock import global_compiler_lock
from numba.core.registry import cpu_target

from fastml_ext.ahead.codes import code_of
from fastml_ext.numba_cache import Cache

__all__ = ["ENTRY", "Lowered", "keep_as_ir", "lower"]

ENTRY = "fastml_entry"
WORD, STATUS = ir.IntType(64), ir.IntType(32)
FINE, FINE_AND_NONE = 0, -2  # statuses of Numba's calling convention


class Lowered(NamedTuple):
    """A kernel for one list of types, as IR that is not optimised."""

    library: codegen.CPUCodeLibrary  # exports `int32 ENTRY(slots, ret, &exception)`, and says which others it calls
    native: str  # name of the function that ENTRY calls
    data: tuple  # of the native function's parameters, those that point to the data of an array, in the order of codes
    result: str  # code of what is returned


def keep_as_ir():
    """Change Numba, in this process and for good, so that `lower` can be called."""
    _demand_builtin_exceptions()
    library, context = codegen.JITCodeLibrary, cpu.CPUContext
    codegen.CPUCodeLibrary._optimize_functions = lambda self, module: None
    library.finalize = lambda self: setattr(self, "_finalized", True)
    library.get_pointer_to_function = lambda self, name: 1
    codegen.JITCPUCodegen.set_env = lambda self, name, env: None
    context.create_cpython_wrapper = lambda self, *arguments, **options: None
    context.create_cfunc_wrapper = lambda self, *arguments, **options: None
    # Numba uses what this returns as the key of an overload: it must be another object for each function.
    context.get_executable = lambda self, library, fndesc, env: [fndesc].append
    Cache.load_overload = lambda self, signature, context: None  # a function from the cache has no IR to share
    Cache.save_overload = lambda self, signature, data: None


def _demand_builtin_exceptions():
    """An exception is pickled by class: where it is raised, Numba's own classes may not be there."""
    convention = callconv.CPUCallConv
    without_check = convention.return_user_exc

    def return_user_exc(self, builder, exc, *arguments, **options):
        if exc is not None and exc.__module__ != "builtins":
            raise TypeError(f"a kernel raises {exc.__name__}: kernels compiled ahead can raise built-in classes only")
        without_check(self, builder, exc, *arguments, **options)

    convention.return_user_exc = return_user_exc


_context = cpu_target.target_context


@global_compiler_lock
def lower(dispatcher, arguments):
    """The IR of a kernel (Numba's dispatcher) for arguments of these Numba types."""
    dispatcher.compile(arguments)
    compiled = dispatcher.overloads[arguments]
    function = compiled.fndesc
    result = code_of(function.restype)
    if result is None:
        raise TypeError(f"{function.qualname} returns {function.restype}, which has no code")
    library = _context.codegen().create_library(ENTRY)
    library.add_ir_module(_entry(library, function))
    library._final_module.link_in(compiled.library._final_module, preserve=True)
    library._linking_libraries += compiled.library._linking_libraries
    names = [each.name for each in library._final_module.get_function(function.llvm_func_name).arguments][2:]
    roles = [role for each in function.argtypes for role in _roles(each)]
    data = tuple(name for name, role in zip(names, roles, strict=True) if role == "data")
    return Lowered(library, function.llvm_func_name, data, result)


def _entry(library, function):
    """IR of the entry: it reads the arguments from slots of 8 bytes, calls, and writes what is returned into others."""
    module = library.create_ir_module(ENTRY)
    native_type = _context.call_conv.get_function_type(function.restype, function.argtypes)
    entry_type = ir.FunctionType(STATUS, [WORD.as_pointer(), WORD.as_pointer(), native_type.args[1]])
    native = ir.Function(module, native_type, function.llvm_func_name)
    entry = ir.Function(module, entry_type, ENTRY)
    slots, ret, exception = entry.args
    builder = ir.IRBuilder(entry.append_basic_block())
    returned = builder.alloca(native_type.args[0].pointee)
    builder.store(native_type.args[0].pointee(None), returned)
    arguments = _read_arguments(builder, slots, function.argtypes)
    # Not inlined: its parameters are where LLVM notes what is only read.
    status = builder.call(native, [returned, exception, *arguments], attrs=("noinline",))
    fine = builder.icmp_signed("==", status, STATUS(FINE))
    fine = builder.or_(fine, builder.icmp_signed("==", status, STATUS(FINE_AND_NONE)))
    with builder.if_then(fine):
        value = _context.get_returned_value(builder, function.restype, builder.load(returned))
        for at, leaf in enumerate(_context.get_arg_packer([function.restype]).as_arguments(builder, [value])):
            builder.store(leaf, builder.bitcast(builder.gep(ret, [WORD(at)]), leaf.type.as_pointer()))
    builder.ret(status)
    return module


def _read_arguments(builder, slots, argument_types):
    """Each leaf of the arguments, in Numba's order. Nobody owns an array here: its references are not counted."""
    leaf_types = _flat(_context.get_arg_packer(argument_types).argument_types)
    roles = [role for each in argument_types for role in _roles(each)]
    at = 0
    for role, leaf in zip(roles, leaf_types, strict=True):
        if role in ("data", "value"):
            yield builder.load(builder.bitcast(builder.gep(slots, [WORD(at)]), leaf.as_pointer()))
            at += 1
        else:
            yield leaf(role)


def _flat(nested):
    return [leaf for each in nested for leaf in _flat(each)] if isinstance(nested, (tuple, list)) else [nested]


def _roles(numba_type):
    """What each leaf of an argument is: the data of an array, another value, or a constant."""
    if isinstance(numba_type, types.Array):
        owners, itemsize = [None, None], _context.get_abi_sizeof(_context.get_data_type(numba_type.dtype))
        return [*owners, "value", itemsize, "data", *["value"] * (2 * numba_type.ndim)]
    if isinstance(numba_type, types.BaseTuple):
        return [role for each in numba_type.types for role in _roles(each)]
    return ["value"]
