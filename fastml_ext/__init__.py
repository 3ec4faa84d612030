"""The compiled kernels of fastml: arrays in, arrays out.

Each family is a package of kernels with a `reference` beside them: the same functions in plain Python.
"""
