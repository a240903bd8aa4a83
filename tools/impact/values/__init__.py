"""Changes of what a column holds: a value that is new, one that vanishes, NULL where there was none.

Rows with the value are followed through every plan downstream: which filters, arms, lists and joins do not expect it, and
what the columns are in the tables that such rows reach.
"""

from tools.impact.values.spread import VALUE_KINDS, ValueSpread

__all__ = ["VALUE_KINDS", "ValueSpread"]
