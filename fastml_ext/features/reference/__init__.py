"""Feature maps and templates by definition."""

# columns of numbers
# records and texts

__all__: list[str] = [
    # columns of numbers
    # records and texts
]
