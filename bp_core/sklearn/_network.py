"""The network behind an estimator's ``coefs_`` and ``intercepts_``, which users may change in any way.

The lists hold the network's own arrays, so a number changed in place is one the next prediction reads. Arrays that a
user puts in their stead are copied into the network before each use.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from bp_core.network import Network
from bp_core.sklearn import _parameters

if TYPE_CHECKING:
    from bp_core.sklearn._base import BaseMLP

Real = NDArray[Any]
ENGINE_NAMES = {"logistic": "sigmoid"}
"""scikit-learn's names of activations that differ from this library's."""


def build(model: BaseMLP, weights: Sequence[Real], biases: Sequence[Real]) -> None:
    """Give a model a network of these parameters."""
    model._network = Network.from_arrays(
        weights,
        biases,
        hidden=_parameters.hidden_activations(model.activation, len(weights) - 1),
        output=ENGINE_NAMES.get(model.out_activation_, model.out_activation_),
    )
    model._built_for = model.activation
    show(model)


def show(model: BaseMLP) -> None:
    """Let the model's attributes be the network's own arrays."""
    model.coefs_, model.intercepts_ = list(model._network.weights), list(model._network.biases)


def current(model: BaseMLP) -> Network:
    """The network with the parameters that the attributes show."""
    net: Network | None = model.__dict__.get("_network")
    given = (*model.coefs_, *model.intercepts_)
    if net is None or model._built_for != model.activation:
        return _rebuilt(model)
    for own, array in zip((*net.weights, *net.biases), given, strict=False):
        if own is array:
            continue
        if own.shape != array.shape:
            return _rebuilt(model)
        own[...] = array
    return net if len(given) == 2 * len(net.weights) else _rebuilt(model)


def _rebuilt(model: BaseMLP) -> Network:
    """A new network for arrays of other shapes, or for another activation."""
    weights, biases = model.coefs_, model.intercepts_
    build(model, weights, biases)
    model.coefs_, model.intercepts_ = weights, biases
    model._best_parameters = model._network.get_parameters()
    return model._network


def take_over(model: BaseMLP) -> None:
    """Copy what a user put in the attributes, and show the network's own arrays from now on."""
    current(model)
    show(model)


def hidden_layer(net: Network, layer: int) -> int:
    """The index of a hidden layer, counted from 0, or from the last by negative numbers."""
    count = len(net.hidden)
    if not -count <= layer < count:
        raise ValueError(f"transform_layer is {layer}; this network has {count} hidden layers, counted from 0")
    return layer % count


def up_to(net: Network, layer: int) -> Network:
    """The part of a network that ends with a hidden layer."""
    last = hidden_layer(net, layer)
    return Network.from_arrays(
        net.weights[: last + 1], net.biases[: last + 1], hidden=net.hidden[:last], output=net.hidden[last]
    )
