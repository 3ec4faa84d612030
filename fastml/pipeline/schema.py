"""What a pipeline keeps: its steps, which are parameters, and no results."""

__all__ = ["ALSO", "SCHEMAS"]

SCHEMAS: dict = {"Pipeline": {}}
ALSO: dict = {}
