"""Pruning: which nodes of a tree become leaves, and the tree in which they are."""
