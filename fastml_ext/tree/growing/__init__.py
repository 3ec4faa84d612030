"""Growing: grow.py drives, sample.py and problem.pyx prepare, subtree.pyx and large.pyx split, assembly.py joins."""
