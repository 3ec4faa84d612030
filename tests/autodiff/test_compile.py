"""Generated kernels: shapes and dtypes, use inside Numba, over arrays, in threads and forks, and the cache on disk."""

import os
import subprocess
import sys
import threading

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from fastml import autodiff as ad


def expression(x, z):
    return ad.exp(x * z) + x * z / ad.log(x) + ad.sin(ad.log(x)) / (x * z)


def network(params, X, y):
    (V, b), (w, c) = params
    return ad.mean(ad.softplus(-y * (ad.tanh(X @ V + b) @ w + c)))


def network_case(dtype=np.float64):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(7, 3)).astype(dtype)
    params = [(rng.normal(size=(3, 5)).astype(dtype), np.zeros(5, dtype)), (rng.normal(size=5).astype(dtype), dtype(0))]
    return params, X, np.sign(X[:, 0])


def test_numbers():
    compiled = ad.compile(expression, 2.0, 3.0)
    value, gradient = compiled.value_and_grad(2.0, 3.0)
    assert (value, *gradient) == pytest.approx((412.191457, 1208.381215, 809.707479), abs=5e-7)
    assert compiled(2.0, 3.0) == value
    assert compiled.grad(2, 3) == gradient  # integers are numbers too
    assert ad.compile(expression, argnums=1).grad(2.0, 3.0) == gradient[1]
    assert compiled.engine == "compiled"
    assert compiled.compile_seconds > 0
    assert compiled.source.startswith("def body(x0, x1):")


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_containers_and_arrays(dtype):
    params, X, y = network_case(dtype)
    compiled = ad.compile(network, argnums=0)
    value, gradient = compiled.value_and_grad(params, X, y)
    expected_value, expected = ad.value_and_grad(network)(params, X, y)
    assert value.dtype == dtype
    assert_allclose(value, expected_value, rtol=1e-5)
    for (g, h), (e, f) in zip(gradient, expected, strict=True):
        assert g.dtype == h.dtype == dtype
        assert_allclose(g, e, rtol=1e-5, atol=1e-6)
        assert_allclose(h, f, rtol=1e-5, atol=1e-6)


def test_inside_other_numba_code():
    numba = pytest.importorskip("numba")
    numbers = ad.compile(expression, 2.0, 3.0).kernel
    arrays = ad.compile(
        lambda w, X: ad.sum(ad.tanh(X @ w) * np.array([1.0, 2.0])), np.ones(3), np.ones((2, 3)), argnums=0
    ).kernel

    @numba.njit
    def descend(w, X, n):
        for _ in range(n):
            w = w - 0.1 * arrays(w, X)[1]
        return w, numbers(2.0, 3.0)[2]

    w, slope = descend(np.ones(3), np.arange(6.0).reshape(2, 3) / 6, 3)
    expected, X = np.ones(3), np.arange(6.0).reshape(2, 3) / 6
    for _ in range(3):
        expected = expected - 0.1 * (X.T @ (np.array([1.0, 2.0]) * (1 - np.tanh(X @ expected) ** 2)))
    assert_allclose(w, expected)
    assert slope == pytest.approx(809.707479, abs=5e-7)


def test_over_arrays_by_the_pool():
    x, z = np.random.default_rng(0).uniform(1.5, 2.5, (2, 20_000))
    compiled = ad.compile(expression)
    values, (gx, gz) = compiled.map(x, z, n_jobs=1)
    assert_allclose(values, expression(x, z), rtol=1e-13)
    one_by_one = [compiled.value_and_grad(float(a), float(b)) for a, b in zip(x[:5], z[:5], strict=True)]
    assert_allclose([v for v, _ in one_by_one], values[:5], rtol=1e-13)
    assert_allclose([g[1] for _, g in one_by_one], gz[:5], rtol=1e-13)
    for jobs in (2, 3):
        again, (hx, hz) = compiled.map(x, z, n_jobs=jobs)
        assert_array_equal(again, values)
        assert_array_equal(hx, gx)
        assert_array_equal(hz, gz)
    assert compiled.map(x.astype(np.float32), z.astype(np.float32))[0].dtype == np.float32
    with pytest.raises(ValueError, match="arrays of one axis and one length are needed"):
        compiled.map(x, z[:5])
    with pytest.raises(ValueError, match="map needs a function of numbers"):
        ad.compile(lambda x: ad.sum(x * np.ones(2))).map(x)


def test_nothing_is_compiled_yet():
    with pytest.raises(ValueError, match="nothing is compiled yet"):
        _ = ad.compile(expression).kernel


def test_inputs_in_any_memory_layout():
    params, X, y = network_case()
    compiled = ad.compile(network, argnums=0)
    expected = compiled.value_and_grad(params, X, y)[0]
    assert compiled(params, np.asfortranarray(X), y) == expected
    padded = np.zeros((14, 6))
    padded[::2, ::2] = X
    assert compiled(params, padded[::2, ::2], y) == expected


def test_constants_are_data_to_the_kernel():
    """Two graphs that differ only in the entries of their arrays share one kernel."""
    texts = {ad.compile(lambda w, c=c: ad.sum(ad.sin(w * c)), np.ones(3)).source for c in (np.ones(3), np.arange(3.0))}
    assert len(texts) == 1
    values = [ad.compile(lambda w, c=c: ad.sum(w * c))(np.ones(3)) for c in (np.ones(3), np.arange(4.0)[1:])]
    assert values == [3, 6]


def test_threads():
    params, X, y = network_case()
    compiled, interpreted = ad.compile(network, argnums=0), ad.value_and_grad(network)
    expected = [f(params, X, y)[1][0][0] for f in (compiled.value_and_grad, interpreted)]
    wrong = []

    def work():
        for _ in range(50):
            got = [f(params, X, y)[1][0][0] for f in (compiled.value_and_grad, interpreted)]
            if not all(np.array_equal(g, e) for g, e in zip(got, expected, strict=True)):
                wrong.append(got)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong


def test_tracing_in_threads():
    """Traces on several threads do not see one another."""
    found = {}

    def work(k):
        found[k] = ad.grad(lambda x: ad.grad(lambda y: x * y ** (2.0 + k))(x))(1.0)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert found == {k: pytest.approx((2 + k) ** 2) for k in range(4)}


SCRIPT = """
import numpy as np
from fastml import autodiff as ad
from fastml_ext import jit
loss = lambda w, X, y: ad.mean(ad.softplus(-y * (X @ w)))
X, y = np.ones((4, 3)), np.ones(4)
compiled = ad.compile(loss, argnums=0)
assert abs(compiled.value_and_grad(np.zeros(3), X, y)[0] - np.log(2)) < 1e-12
assert ad.grad(loss)(np.zeros(3), X, y).shape == (3,)
ad.minimize(loss, np.zeros(3), (X, y), max_iter=2, batch_size=2)
print(jit.compilations())
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_forks():
    params, X, y = network_case()
    compiled = ad.compile(network, argnums=0)
    expected = compiled.value_and_grad(params, X, y)[0]
    child = os.fork()
    if child == 0:
        same = compiled.value_and_grad(params, X, y)[0] == expected and ad.value_and_grad(network)(params, X, y)[0]
        os._exit(0 if same else 1)
    assert os.waitpid(child, 0)[1] == 0


def test_a_second_process_compiles_nothing(tmp_path):
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path), "PYTHONPATH": os.pathsep.join(sys.path)}
    runs, files = [], []
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT], env=environment, capture_output=True, text=True, check=True
        )
        runs.append(int(done.stdout))
        files.append({f: f.stat().st_mtime_ns for f in tmp_path.rglob("*") if f.is_file()})
    assert runs[0] > 0
    assert runs[1] == 0
    assert files[0] == files[1]


def test_importing_loads_no_numba():
    code = "import sys, fastml.autodiff as ad; ad.trace(lambda x: ad.exp(x), 1.0); print('numba' in sys.modules)"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
