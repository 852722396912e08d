"""The forward pass of one unit: the sum z, term by term, and its activation."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from bp_core.explain import _rules
from bp_core.explain._lines import Line, Math, Section, equation
from bp_core.explain._notation import added, bracketed, filled, number
from bp_core.explain._row import Row
from bp_core.explain._shown import Shown

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


@dataclass(frozen=True, repr=False)
class UnitExplanation(Shown):
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
    _values: dict[str, float] = field(repr=False)

    def lines(self) -> list[Line]:
        """The sum z and the activation, each by name, filled in, and its value."""
        names = [f"{term.weight} {term.source}" for term in self.terms]
        values = [f"{number(term.weight_value)}*{bracketed(number(term.source_value))}" for term in self.terms]
        names += ["..."] if self.n_left_out else []
        if self.bias_name is not None and self.bias is not None:
            names, values = [*names, self.bias_name], [*values, number(self.bias)]
        sides = [" + ".join(names), *([] if self.n_left_out else [added(values)]), number(self.z)]
        return [equation(self.z_name, *sides), equation(self.a_name, *self._activation_sides())]

    def _activation_sides(self) -> list[str]:
        if self.formula == self.z_name or "..." in self.formula:
            return [self.formula, number(self.a)]
        return [self.formula, filled(self.formula, self._values), number(self.a)]

    def _section(self) -> Section:
        return Section((Math(self.a_name), f", {self.activation}"), [*self.lines()])

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON can hold it."""
        shown = {name: value for name, value in self.__dict__.items() if not name.startswith("_")}
        return {**shown, "terms": [term.__dict__ for term in self.terms]}


def explain_unit(row: Row, l: int, j: int) -> UnitExplanation:
    """The forward pass of unit j of layer l."""
    W, b, names = row.net.weights[l], row.net.biases[l], row.names
    shown = W.shape[0] if W.shape[0] <= MOST_TERMS else FEW_TERMS
    z, activation = names.z(l, j), row.activations[l]
    layer = [names.z(l, i) for i in range(W.shape[1])] if activation == "softmax" else [z]
    values = row.z[l].tolist() if activation == "softmax" else [float(row.z[l][j])]
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
        formula=_rules.activation_formula(activation, z, bool(row.z[l][j] > 0), layer),
        _values=dict(zip(layer, values, strict=True)),
    )
