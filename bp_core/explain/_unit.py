"""The forward pass of one unit: the sum z, term by term, and its activation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bp_core.explain import _rules
from bp_core.explain._forward import unit_line
from bp_core.explain._row import Row

MOST_TERMS = 8
"""Products of a sum z that are spelled out; of a longer sum only the first few."""

FEW_TERMS = 3


@dataclass(frozen=True)
class Term:
    """One product of the sum z: a weight and what it leads from, by name and value."""

    weight: str
    weight_value: float
    source: str
    source_value: float


@dataclass(frozen=True)
class UnitExplanation:
    """The forward pass of one unit, and dE/dz on the way back.

    Attributes
    ----------
    z_name, a_name : str
    terms : tuple of Term
        The first products of the sum z.
    n_left_out : int
        Products of the sum that are not among them.
    bias_name : str or None
    bias : float or None
    z, a, delta : float
        The pre-activation, the activation, and dE/dz, as the core computed them.
    activation : str
    formula : str
        What a is computed from: ``"sigmoid(z1)"``.
    """

    z_name: str
    a_name: str
    terms: tuple[Term, ...]
    n_left_out: int
    bias_name: str | None
    bias: float | None
    z: float
    a: float
    delta: float
    activation: str
    formula: str

    def __str__(self) -> str:
        return unit_line(self)

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON can hold it."""
        return {**self.__dict__, "terms": [term.__dict__ for term in self.terms]}


def unit_terms(row: Row, l: int, j: int) -> UnitExplanation:
    """The forward pass of unit j of layer l."""
    W, b, names = row.net.weights[l], row.net.biases[l], row.names
    shown = W.shape[0] if W.shape[0] <= MOST_TERMS else FEW_TERMS
    z, activation = names.z(l, j), row.activations[l]
    return UnitExplanation(
        z_name=z,
        a_name=names.a(l, j),
        terms=tuple(
            Term(names.weight(l, k, j), float(W[k, j]), names.source(l, k), row.activation(l - 1, k))
            for k in range(shown)
        ),
        n_left_out=W.shape[0] - shown,
        bias_name=names.bias(l, j),
        bias=float(b[j if b.size > 1 else 0]) if b.size else None,
        z=float(row.z[l][j]),
        a=float(row.a[l][j]),
        delta=float(row.deltas[l][j]),
        activation=activation,
        formula=_rules.activation_formula(
            activation, z, bool(row.z[l][j] > 0), names.z(l, 0), names.z(l, W.shape[1] - 1)
        ),
    )
