"""Decision trees: coding of columns, growing, pruning and prediction. Contract: reference.py."""
