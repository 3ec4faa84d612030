"""Applying: the node of a tree at which each row stops, and the nodes of a row that stops at several."""
