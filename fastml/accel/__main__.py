"""python -m fastml.accel: runs a script or a module with fastml's answers under scikit-learn's names."""

import argparse
import os
import runpy
import sys

from fastml.accel import install, start

__all__ = ["main"]


def main(arguments=None):
    options = parser().parse_args(arguments)
    if options.enable or options.disable:
        file = start.enable() if options.enable else start.disable()
        print(f"{'wrote' if options.enable else 'removed'} {file}")
        return
    program = options.program
    if not program and not options.module:
        parser().error("nothing to run: give a script, or -m and a module")
    if options.profile:
        start.report_at_exit()
    install()
    if options.module:
        sys.argv = [options.module, *program]
        sys.path[0] = os.getcwd()
        runpy.run_module(options.module, run_name="__main__", alter_sys=True)
    else:
        sys.argv = program
        sys.path[0] = os.path.dirname(os.path.abspath(program[0]))
        runpy.run_path(program[0], run_name="__main__")


def parser():
    parser = argparse.ArgumentParser(
        prog="python -m fastml.accel",
        description="Run a scikit-learn program on fastml, unchanged.",
        usage="%(prog)s [--profile] script.py arguments\n       %(prog)s [--profile] -m module arguments",
    )
    parser.add_argument("--profile", action="store_true", help="print at the end what ran where, and why")
    parser.add_argument(
        "--enable", action="store_true", help="let FASTML_ACCEL=1 accelerate any program of this environment"
    )
    parser.add_argument("--disable", action="store_true", help="take that away")
    parser.add_argument("-m", dest="module", help="a module to run, as python -m runs it")
    parser.add_argument("program", nargs=argparse.REMAINDER, help="the script, and what it is given")
    return parser


if __name__ == "__main__":
    main()
