"""Small inputs for the feature maps and templates; as in fastml_ext/neighbors/cases.py."""

CLOSE: dict[str, float] = {
    # columns of numbers
    # records and texts
}
WITHIN: dict[str, str] = {}
