"""Models: networks that carry the columns, scaling and names of the table they were trained on."""

from bp_core.model._columns import CategoryColumn, NumberColumn
from bp_core.model._explain import ColumnEffect, ModelExplanation
from bp_core.model._model import Model
from bp_core.model._record import Record
from bp_core.model._scores import ClassScores, NumberScores
from bp_core.model._table import BadValue
from bp_core.model._target import ClassTarget, NumberTarget

__all__ = [
    "BadValue",
    "CategoryColumn",
    "ClassScores",
    "ClassTarget",
    "ColumnEffect",
    "Model",
    "ModelExplanation",
    "NumberColumn",
    "NumberScores",
    "NumberTarget",
    "Record",
]
