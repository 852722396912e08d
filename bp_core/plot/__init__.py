"""Pictures by matplotlib (the extra ``plot``): a network, its training, its predictions.

A picture of one panel takes ``ax`` and returns it; one of several panels returns its figure. Blue stands for what is
above 0 or the second class, vermilion for what is below; a dash, a marker or a number says the same a second time.
"""

from bp_core.plot.confusion import confusion_matrix
from bp_core.plot.decision import decision_boundary
from bp_core.plot.gradient_norms import GradientNorms
from bp_core.plot.histograms import activation_histograms, weight_histograms
from bp_core.plot.network import draw
from bp_core.plot.regression import predicted_against_true
from bp_core.plot.surface import output_surface

__all__ = [
    "GradientNorms",
    "activation_histograms",
    "confusion_matrix",
    "decision_boundary",
    "draw",
    "output_surface",
    "predicted_against_true",
    "weight_histograms",
]
