"""`fastml verify`: every kernel against its definition, on this machine."""

from fastml.cli.families import families
from fastml.cli.terminal import Progress, table

__all__ = ["run"]

INPUTS = 30  # of each function, each from its own seed


def run(arguments):
    progress, rows, remarks = Progress(), [], []
    try:
        for family in families():
            for name in family.functions():
                progress(f"verifying {family.name}.{name}")
                verdict, remark = try_function(family, name)
                rows.append([f"{family.name}.{name}", verdict])
                remarks += [remark] if remark else []
    finally:
        progress.clear()
        print("\n".join(table([["function", "verdict"]], rows, left=2)))
        for remark in remarks:
            print(f"! {remark}")
    agree = sum(verdict.startswith("equal") for _, verdict in rows)
    print(f"\n{agree} of {len(rows)} functions agree with their definitions on this machine.")
    return 0 if agree == len(rows) else 1


def try_function(family, name):
    """(verdict, remark or None)"""
    if family.case(name) is None:
        return "NOT TRIED", f"{family.name}.{name}: its family declares no inputs for it in cases.py"
    for seed in range(INPUTS):
        differs = family.differs(name, seed)
        if differs:
            return "DIFFERS", f"{family.name}.{name}, input {seed}: {differs}"
    close = family.cases.CLOSE.get(name)
    return (f"equal within {close:g} on {INPUTS} inputs" if close else f"equal on {INPUTS} inputs"), None
