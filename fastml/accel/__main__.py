"""python -m fastml.accel: runs a script or a module with fastml's answers under scikit-learn's names."""

import argparse
import os
import runpy
import sys

from fastml.accel import install, start

__all__ = ["main"]


def main(arguments=None):
    own, module, program = split(sys.argv[1:] if arguments is None else arguments)
    options = parser().parse_args(own)
    if options.enable or options.disable:
        file = start.enable() if options.enable else start.disable()
        print(f"{'wrote' if options.enable else 'removed'} {file}")
        return
    if not program and not module:
        parser().error("nothing to run: give a script, or -m and a module")
    if options.profile:
        start.report_at_exit()
    install()
    if module:
        sys.argv = [module, *program]
        sys.path[0] = os.getcwd()
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    else:
        sys.argv = program
        sys.path[0] = os.path.dirname(os.path.abspath(program[0]))
        runpy.run_path(program[0], run_name="__main__")


def split(arguments):
    """(options of ours, the module after -m or "", what follows or the script with what it is given)."""
    for i, argument in enumerate(arguments):
        if argument == "-m" and i + 1 < len(arguments):
            return arguments[:i], arguments[i + 1], arguments[i + 2 :]
        if argument[:1] != "-":
            return arguments[:i], "", arguments[i:]
    return arguments, "", []


def parser():
    parser = argparse.ArgumentParser(
        prog="python -m fastml.accel",
        description="Run a scikit-learn program on fastml, unchanged.",
        usage="%(prog)s [--profile] script.py arguments\n       %(prog)s [--profile] -m module arguments",
    )
    parser.add_argument("--profile", action="store_true", help="print at the end what ran where, and why")
    parser.add_argument("--enable", action="store_true", help="let FASTML_ACCEL=1 accelerate every program from now on")
    parser.add_argument("--disable", action="store_true", help="take that away")
    return parser


if __name__ == "__main__":
    main()
