"""Learning rates that change while a trainer trains.

``Trainer(net, optimizer=bp.Adam(learning_rate=0.01), schedule=bp.schedules.Cosine(steps=1000))``: a schedule gives the
factor by which the optimizer's learning rate is multiplied, as a function of the step t. t counts the steps of the
trainer from 0, over all its fits. Any function of t will do, called with an int once or more for each step, ahead of
it. :class:`ReduceOnPlateau` and :class:`Adaptive` are rules: they look at the loss between epochs.

Schedules are frozen settings without state; they may be shared and compared.
"""

from bp_core._schedule import LossRule, Schedule
from bp_core.schedules._by_cosine import Cosine, OneCycle
from bp_core.schedules._by_loss import Adaptive, ReduceOnPlateau
from bp_core.schedules._by_step import Constant, Exponential, InverseScaling, StepDecay, WarmUp

__all__ = [
    "Adaptive",
    "Constant",
    "Cosine",
    "Exponential",
    "InverseScaling",
    "LossRule",
    "OneCycle",
    "ReduceOnPlateau",
    "Schedule",
    "StepDecay",
    "WarmUp",
]
