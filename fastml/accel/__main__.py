"""python -m fastml.accel: runs a script, a module or a text with fastml's answers under scikit-learn's names."""

import argparse
import sys

from fastml.accel import install, running, start

__all__ = ["main"]

HOW = {"-m": running.run_module, "-c": running.run_text}


def main(arguments=None):
    own, how, program = split(sys.argv[1:] if arguments is None else arguments)
    options = parser().parse_args(own)
    if options.enable or options.disable:
        file = start.enable() if options.enable else start.disable()
        print(f"{'wrote' if options.enable else 'removed'} {file}")
        return
    if not program:
        parser().error("nothing to run: give a script, -m and a module, or -c and a text")
    if options.profile:
        start.report_at_exit()
    install()
    HOW.get(how, running.run_script)(program[0], program[1:])


def split(arguments):
    """(options of ours, "-m", "-c" or "", the program with what it is given)."""
    for i, argument in enumerate(arguments):
        if argument[:2] in HOW:
            rest = [argument[2:]] if argument[2:] else []  # as in -mpytest
            return arguments[:i], argument[:2], rest + arguments[i + 1 :]
        if argument[:1] != "-" or argument == "-":
            return arguments[:i], "", arguments[i:]
    return arguments, "", []


def parser():
    parser = argparse.ArgumentParser(
        prog="python -m fastml.accel",
        description="Run a scikit-learn program on fastml, unchanged.",
        usage="%(prog)s [--profile] script.py arguments\n       %(prog)s [--profile] -m module arguments"
        "\n       %(prog)s [--profile] -c text arguments",
    )
    parser.add_argument("--profile", action="store_true", help="print at the end what ran where, and why")
    parser.add_argument("--enable", action="store_true", help="let FASTML_ACCEL=1 accelerate every program from now on")
    parser.add_argument("--disable", action="store_true", help="take that away")
    return parser


if __name__ == "__main__":
    main()
