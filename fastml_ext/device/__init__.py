"""The ground floor: what kernels of every family inline. Nothing here is called from Python, but by tests.

    codes.py       the integers that losses and optimisers go by
    calls.py       calling a function of the user by its address
    distances.py   squared distances, as results and as estimates
    logarithms.py  log(x), log(1 + x) and exp(x)
    losses.py      loss, slope and curvature of one score
    memory.py      arrays: borrowed, grown, asked for ahead of time; numbers that threads share
    numbers.py     random bits, exp(x) - 1, shares of exponentials
    optimizers.py  the parts of an optimiser's step
    rows.py        a row of a sparse matrix times weights
    sorting.py     pairs of distance and index: put in place, ranked, sorted, selected
    vectors.py     code that is written with whole registers; its head says how to read it

A kernel imports from here and from its own family, never from another one: caches and builds know no other sources.
"""
