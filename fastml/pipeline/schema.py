"""What a pipeline keeps: its steps, which are parameters, and no results."""

from fastml.schema import either, model, nothing, one_of, row_of, text

__all__ = ["ALSO", "SCHEMAS"]

STEP = row_of(text, either(model, nothing, one_of("passthrough")))


def also_steps(state, sizes):
    """Every step has a name and a model, or nothing in its place."""
    for place, step in enumerate(state["steps"]):
        try:
            STEP(tuple(step), sizes)
        except (TypeError, ValueError) as error:
            raise ValueError(f"steps[{place}]: {error}") from None


SCHEMAS: dict = {"Pipeline": {}}
ALSO: dict = {"Pipeline": also_steps}
