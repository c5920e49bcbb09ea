"""Tables with numbers, categories, text and dates: which column is what, and back.

A `Schema` learns from a table which of its columns are numbers and which are factors, and turns
tables into the two arrays that the core reads: numbers, and codes of factors' levels.
"""

from fastae._schema._factors import OTHER, Factor
from fastae._schema._learner import SchemaLearner
from fastae._schema._schema import MixedTable, Schema
from fastae._schema._tables import names_factors, needs_schema

__all__ = [
    "OTHER",
    "Factor",
    "MixedTable",
    "Schema",
    "SchemaLearner",
    "names_factors",
    "needs_schema",
]
