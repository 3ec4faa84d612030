"""Which (kernel, types of its arguments) are called from Python: fastml_ext/signatures.txt is made from this.

    python -m fastml_ext.ahead.record                  what the cases of each family and `fastml warmup` call
    pytest -p fastml_ext.ahead.record --record tests   what the tests call, those in processes they start too

Each adds to the list what it lacks. A kernel that another one calls is linked into it and stands in no line.
"""

import atexit
import os
from pathlib import Path

LIST = Path(__file__).parents[1] / "signatures.txt"
FOLDER = "FASTML_RECORD"  # variable: where each process leaves what it has called


class Recorder:
    """A kernel that notes the types it is called with; in all else the kernel itself."""

    def __init__(self, kernel, name):
        self.kernel, self.name = kernel, name

    @property
    def _numba_type_(self):
        return self.kernel._numba_type_

    def __getattr__(self, name):
        return getattr(self.kernel, name)

    def __call__(self, *arguments):
        SEEN.add((self.name, tuple(self.kernel.typeof_pyval(each) for each in arguments)))
        return self.kernel(*arguments)


SEEN = set()


def name_of(function):
    module = function.__module__.removeprefix("fastml_ext.")
    cells = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
    values = [(n, c.cell_contents) for n, c in cells]
    closure = ",".join(f"{n}={int(v)}" for n, v in values if isinstance(v, (int, bool)))
    return f"{module}.{function.__qualname__.replace('<locals>.', '')}" + (f"[{closure}]" if closure else "")


def install():
    from fastml_ext import jit
    compile = jit._compile
    jit._compile = lambda function, fastmath: Recorder(compile(function, fastmath), name_of(function))
    atexit.register(dump)
    os.register_at_fork(after_in_child=lambda: None)


def dump():
    from fastml_ext.ahead.codes import code_of
    folder = os.environ.get(FOLDER)
    lines = set()
    for name, args in list(SEEN):
        codes = [code_of(a) for a in args]
        lines.add(f"{name}\t{''.join(codes)}" if None not in codes else f"{name}\t!{args}")
    if lines:
        os.makedirs(folder, exist_ok=True)
        Path(folder, f"{os.getpid()}.txt").write_text("\n".join(sorted(lines)) + "\n")


if os.environ.get(FOLDER):
    install()
    import threading, time
    def loop():
        while True:
            time.sleep(5)
            try: dump()
            except Exception: pass
    threading.Thread(target=loop, daemon=True).start()
