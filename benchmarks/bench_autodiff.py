"""Automatic differentiation: value and gradient of small and large expressions, tracing, compiling."""

import itertools
import time

import numpy as np
from harness import Work, benchmarks

from fastml import autodiff as ad


def to_numpy(result):
    """(value, gradient) of any library as flat float64 arrays."""
    value, gradient = result
    leaves = []
    for leaf in gradient if isinstance(gradient, tuple | list) else [gradient]:
        leaves += leaf if isinstance(leaf, tuple | list) else [leaf]
    return [np.asarray(part, float).ravel() for part in (value, *leaves)]


def same_gradients(data, ours, theirs, tolerance=1e-4):
    for a, b in zip(to_numpy(ours), to_numpy(theirs), strict=True):
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)


# --- an expression of ten operations on two numbers -------------------------------------------------------------------


def expression(lib, x, z):
    a, b = x * z, lib.log(x)
    return lib.exp(a) + a / b + lib.sin(b) / a + x * b


def point(tiny):
    return 2.0, 1.5


def expression_fastml(data):
    run = ad.compile(lambda x, z: expression(ad, x, z), *data)
    return lambda: run.value_and_grad(*data)


def expression_interpreted(data):
    run = ad.value_and_grad(lambda x, z: expression(ad, x, z), (0, 1))
    return lambda: run(*data)


def expression_autograd(data):
    import autograd
    import autograd.numpy as anp

    run = autograd.value_and_grad(lambda p: expression(anp, p[0], p[1]))
    return lambda: run(data)


def expression_torch(data):
    import torch

    x, z = (torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in data)

    def run():
        value = expression(torch, x, z)
        return value.detach(), torch.autograd.grad(value, (x, z))

    return run


def jax_in_float64():
    import jax

    jax.config.update("jax_enable_x64", True)
    return jax


def expression_jax(data):
    jax = jax_in_float64()
    compiled = jax.jit(jax.value_and_grad(lambda x, z: expression(jax.numpy, x, z), (0, 1)))
    return lambda: jax.block_until_ready(compiled(*data))


# --- the same at many points ------------------------------------------------------------------------------------------


def points(tiny):
    return tuple(np.random.default_rng(0).uniform(1.5, 2.5, (2, 100 if tiny else 200_000)))


def map_fastml(data):
    run = ad.compile(lambda x, z: expression(ad, x, z))
    return lambda: run.map(*data)


def map_torch(data):
    import torch

    x, z = (torch.tensor(v, requires_grad=True) for v in data)

    def run():
        value = expression(torch, x, z)
        return value.detach(), torch.autograd.grad(value.sum(), (x, z))

    return run


def map_jax(data):
    jax = jax_in_float64()
    one = jax.value_and_grad(lambda x, z: expression(jax.numpy, x, z), (0, 1))
    compiled = jax.jit(jax.vmap(one))
    arrays = [jax.numpy.asarray(v) for v in data]
    return lambda: jax.block_until_ready(compiled(*arrays))


# --- networks of 100 units --------------------------------------------------------------------------------------------


def network(lib, params, X, onehot):
    (V, b), (W, c) = params
    z = lib.tanh(X @ V + b) @ W + c
    top = lib.log(lib.sum(lib.exp(z), 1))
    return lib.mean(top - lib.sum(z * onehot, 1))


def layers(n, d, k):
    def setup(tiny):
        rng = np.random.default_rng(0)
        X = rng.normal(size=(4 if tiny else n, d)).astype(np.float32)
        params = [
            ((rng.normal(size=(a, b)) / np.sqrt(a)).astype(np.float32), np.zeros(b, np.float32))
            for a, b in ((d, 100), (100, k))
        ]
        return params, X, np.eye(k, dtype=np.float32)[rng.integers(0, k, len(X))]

    return setup


def network_fastml(data):
    run = ad.compile(lambda params, X, onehot: network(ad, params, X, onehot), argnums=0)
    return lambda: run.value_and_grad(*data)


def network_value(data):
    run = ad.compile(lambda params, X, onehot: network(ad, params, X, onehot), argnums=0)
    return lambda: run(*data)


def network_interpreted(data):
    run = ad.value_and_grad(lambda params, X, onehot: network(ad, params, X, onehot))
    return lambda: run(*data)


def network_autograd(data):
    import autograd
    import autograd.numpy as anp

    run = autograd.value_and_grad(lambda params, X, onehot: network(anp, params, X, onehot))
    return lambda: run(*data)


def network_torch(data):
    import torch

    params = [tuple(torch.tensor(p, requires_grad=True) for p in layer) for layer in data[0]]
    X, onehot = torch.tensor(data[1]), torch.tensor(data[2])
    flat = [p for layer in params for p in layer]

    def run():
        value = network(torch, params, X, onehot)
        return value.detach(), torch.autograd.grad(value, flat)

    return run


def network_jax(data):
    jax = jax_in_float64()
    compiled = jax.jit(jax.value_and_grad(lambda params, X, onehot: network(jax.numpy, params, X, onehot)))
    arrays = jax.tree.map(jax.numpy.asarray, data)
    return lambda: jax.block_until_ready(compiled(*arrays))


NETWORK = {
    "fastml": network_fastml,
    "fastml, interpreted": network_interpreted,
    "autograd": network_autograd,
    "PyTorch": network_torch,
    "JAX": network_jax,
}

# --- long chains ------------------------------------------------------------------------------------------------------


def chain(lib, x, n):
    y = x
    for _ in range(n // 2):
        y = lib.sin(y) * 1.01
    return y


def length(tiny):
    return 20 if tiny else 10_000


def chain_fastml(n):
    run = ad.value_and_grad(lambda x: chain(ad, x, n))
    return lambda: run(0.5)


def chain_autograd(n):
    import autograd
    import autograd.numpy as anp

    run = autograd.value_and_grad(lambda x: chain(anp, x, n))
    return lambda: run(0.5)


def chain_torch(n):
    import torch

    x = torch.tensor(0.5, dtype=torch.float64, requires_grad=True)

    def run():
        value = chain(torch, x, n)
        return value.detach(), torch.autograd.grad(value, x)[0]

    return run


def trace_chain(n):
    return lambda: ad.trace(lambda x: chain(ad, x, n), 0.5)


_fresh = itertools.count()


def compile_a_new_graph(data):
    """Seconds to trace, write, compile and run a graph that no cache holds: it has a constant of its own."""

    def run():
        own = 1.0 + next(_fresh) * 1e-6 + time.time_ns() % 10**9 * 1e-12
        start = time.perf_counter()
        ad.compile(lambda x, z: expression(ad, x, z) * own, *data)
        return time.perf_counter() - start

    return run


WORKS = [
    Work(
        "autodiff: value and gradient of 10 operations",
        point,
        {
            "fastml": expression_fastml,
            "fastml, interpreted": expression_interpreted,
            "autograd": expression_autograd,
            "PyTorch": expression_torch,
            "JAX": expression_jax,
        },
        same_gradients,
        floors={"autograd": 10, "PyTorch": 10, "JAX": 10},
        iterations=200,
        rounds=9,
    ),
    Work(
        "autodiff: the same at 200,000 points",
        points,
        {"fastml": map_fastml, "PyTorch": map_torch, "JAX": map_jax},
        same_gradients,
    ),
    Work(
        "autodiff: network 784-100-10, batch 200, float32",
        layers(200, 784, 10),
        NETWORK,
        same_gradients,
        floors={"autograd": 1, "PyTorch": 1, "JAX": 1},
        iterations=10,
        rounds=15,
    ),
    Work(
        "autodiff: network 784-100-10, batch 200, float32, value alone",
        layers(200, 784, 10),
        {"fastml": network_value},
        iterations=10,
        rounds=15,
    ),
    Work(
        "autodiff: network 20-100-2, batch 32, float32",
        layers(32, 20, 2),
        NETWORK,
        same_gradients,
        floors={"autograd": 1, "PyTorch": 1, "JAX": 1},
        iterations=50,
        rounds=15,
    ),
    Work(
        "autodiff: gradient of a chain of 10,000 operations, traced before",
        length,
        {"fastml": chain_fastml, "autograd": chain_autograd, "PyTorch": chain_torch},
        same_gradients,
    ),
    Work("autodiff: trace 10,000 operations", length, {"fastml": trace_chain}, limit=0.1),
    Work(
        "autodiff: compile value and gradient of 10 operations, no cache",
        point,
        {"fastml": compile_a_new_graph},
        measures_itself=True,
        rounds=3,
    ),
]

bench_autodiff = benchmarks(WORKS)
