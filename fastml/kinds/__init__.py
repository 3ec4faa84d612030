"""What a column is: the one place that says which kinds of values are numbers, which are categories, which neither.

Numbers: bool (0 and 1), integers and floats of every width, `Decimal`, `Fraction`, and whatever else `float` accepts;
nullable, sparse and Arrow-backed columns of these. Every value is read as the number it is. Where float64 would make
two numbers of one, or a whole number another one, the column is refused.

Categories: strings, bytes, bool, explicit categories, and other objects that have no arithmetic.

Neither: dates, times, spans of time, periods, intervals, complex numbers and containers, which are refused by name,
with the cure: only who knows what they mean can say which number it is that shall be learnt from.
"""

from fastml.kinds.frames import column_of_numbers, frame_column, from_arrow, is_frame, numpy_column
from fastml.kinds.numbers import as_native, as_numbers, canonical
from fastml.kinds.tables import array_of_numbers, from_list, numbers_of, without_mask
from fastml.kinds.targets import read_target
from fastml.kinds.values import Categories, from_objects

__all__ = [
    "Categories", "array_of_numbers", "as_native", "as_numbers", "canonical", "column_of_numbers", "frame_column",
    "from_arrow", "from_list", "from_objects", "is_frame", "numbers_of", "numpy_column", "read_target", "without_mask",
]  # fmt: skip
