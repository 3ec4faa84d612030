"""Kernels compiled when fastml is built: the list of variants, and the objects made from it. Needs Numba."""
