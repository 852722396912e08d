"""Explanation: a forward pass, its error, and every derivative by name."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bp_core import _passes
from bp_core._gradient_check import Differences, near_kink
from bp_core._unit_names import Parameter, UnitNames
from bp_core.explain._parameter import ParameterExplanation
from bp_core.explain._paths import PathExplanation, follow
from bp_core.explain._row import Objective, Row
from bp_core.explain._unit import UnitExplanation, unit_terms
from bp_core.losses import LossLike, resolve
from bp_core.optimizers import SGD
from bp_core.trainer import Trainer

if TYPE_CHECKING:
    from bp_core.network import Network

Real = NDArray[Any]
MOST_ROWS = 8
"""Rows of a batch that are shown."""

MOST_PARAMETERS = 64
"""Parameters that are shown unless more are asked for."""

MOST_UNITS = 16
"""Units of a layer that are shown."""


class Explanation:
    """Backpropagation of one row or a batch, every number by name; made by :meth:`Network.explain`.

    ``print(explanation)`` shows it as text, a notebook as HTML. Names follow the article: x1, x2, ... are the
    inputs; z1, a1, ... the units, numbered on through the layers; W1, W2, ... the weights, ``weights[0]`` row by
    row and then on; b1, b2, ... the biases; y, or y1, y2, ..., the targets; E the error.

    The network is copied: what is shown stays as it was when it was asked for.

    Attributes
    ----------
    loss : float
        The error E, for a batch the mean over its rows.
    loss_name : str
    threshold : float
        Of the Huber loss.
    learning_rate : float
    n_rows : int
    inputs : ndarray, (n, n_in), or (n_in,) for one row
        dE/dx.
    """

    def __init__(self, net: Network, x: ArrayLike, y: ArrayLike, loss: LossLike, learning_rate: float) -> None:
        problem = _passes.prepare(net, x, y, loss, None)
        self.network = net.copy()
        self.names = UnitNames(net.layer_sizes, net.bias)
        self.loss_name, threshold = resolve(loss, net.output)
        self.threshold = threshold
        self._objective = Objective(loss, self.loss_name, threshold, net.layer_sizes[-1])
        self._x, targets, classes, _ = problem.data
        self._x = np.array(self._x)
        self._y: Real = np.array(targets if classes is None else classes)
        self._gradients = _passes.gradients(self.network, problem)
        self.loss, self.inputs = self._gradients.loss, self._gradients.inputs
        self.n_rows = self._x.shape[0]
        stepped = net.copy()
        trainer = Trainer(stepped, loss=loss, optimizer=SGD(learning_rate=learning_rate), n_threads=1)
        trainer.step(self._x, self._y)
        self._stepped, self.learning_rate = stepped, trainer.optimizer.learning_rate
        self._rows: dict[int, Row] = {}

    def __repr__(self) -> str:
        rows = "1 row" if self.n_rows == 1 else f"{self.n_rows} rows"
        return f"<Explanation of {self.network!r} for {rows}: {self.loss_name} {self.loss:g}>"

    def __str__(self) -> str:
        return self.to_text()

    def _repr_html_(self) -> str:
        return self.to_html()

    # ------------------------------------------------------------ one thing at a time
    def parameter(self, name: str) -> ParameterExplanation:
        """Return the chain rule of one parameter.

        Parameters
        ----------
        name : str
            ``"W7"``, ``"b2"``.

        Returns
        -------
        ParameterExplanation

        Raises
        ------
        ValueError
            If there is no such parameter; the message says which there are.

        Examples
        --------
        >>> import bp_core as bp
        >>> net = bp.Network.from_arrays([[[2.0]], [[3.0]]], None, hidden="relu", output="identity")
        >>> print(net.explain([1.0], [5.0]).parameter("W1"))
        W1  x1 -> z1  weights[0][0, 0] = 2
          dE/dW1 = dE/da2 * da2/dz2 * dz2/da1 * da1/dz1 * dz1/dW1
                 = (a2 - y) * 1 * W2 * (1 as z1 > 0) * x1
                 = 1 * 1 * 3 * 1 * 1
                 = 3
          central difference 3, error ...: they agree
          W1 <- W1 - learning_rate * dE/dW1 = 2 - 0.1 * 3 = 1.7
        """
        return self._explain(self.names.parameter(name))

    def path(self, *units: str, row: int = 0) -> PathExplanation:
        """Return the derivative of one unit by another, over every path between them.

        Parameters
        ----------
        *units : str
            Two or more, from below up: ``path("x1", "a4")``, ``path("x1", "a2", "E")``: the paths that lead through all
            of them. E is the error.
        row : int, default 0
            Of a batch.

        Returns
        -------
        PathExplanation

        Raises
        ------
        ValueError
            If there is no such unit or no path.

        Examples
        --------
        >>> import bp_core as bp
        >>> net = bp.Network.from_arrays([[[2.0]], [[3.0]]], None, hidden="relu", output="identity")
        >>> net.explain([1.0], [5.0]).path("x1", "a2").value
        6.0
        """
        return follow(self.row(row), units)

    def unit(self, name: str, *, row: int = 0) -> UnitExplanation:
        """Return the forward pass of one unit: its sum z and its activation a.

        Parameters
        ----------
        name : str
            ``"z4"`` or ``"a4"``.
        row : int, default 0
            Of a batch.

        Returns
        -------
        UnitExplanation

        Raises
        ------
        ValueError
            If there is no such unit.
        """
        l, j = self.names.unit(name)
        if l < 0:
            raise ValueError(f"{name} is an input; a unit has a name such as z1 or a1")
        return unit_terms(self.row(row), l, j)

    def row(self, s: int) -> Row:
        """One row of the batch, its numbers computed when they are first asked for."""
        if not -self.n_rows <= s < self.n_rows:
            raise ValueError(f"row is {s}; this explanation has rows 0 to {self.n_rows - 1}")
        s %= self.n_rows
        if s not in self._rows:
            self._rows[s] = Row(self.network, self.names, self._objective, self._x[s], self._y[s])
        return self._rows[s]

    # ------------------------------------------------------------ what is shown of it
    def parameters(self, most: int | None = MOST_PARAMETERS) -> Iterator[ParameterExplanation]:
        """Yield the parameters in order; of more than ``most`` those with the largest derivatives."""
        for place in self._places(most):
            yield self._explain(place)

    @property
    def shown_rows(self) -> range:
        """The rows of the batch that are shown."""
        return range(min(self.n_rows, MOST_ROWS))

    def shown_units(self, l: int) -> range:
        """The units of a layer that are shown; layer -1 are the inputs."""
        return range(min(self.network.layer_sizes[l + 1], MOST_UNITS))

    def left_out(self, most: int | None = MOST_PARAMETERS) -> list[str]:
        """Say in words what is not shown."""
        found = []
        if most is not None and self.network.n_parameters > most:
            others = self.network.n_parameters - most
            found.append(
                f"the {most} parameters with the largest derivatives are shown, {others:,} are not; "
                "ask for any by its name: .parameter('W7')"
            )
        if self.n_rows > MOST_ROWS:
            found.append(f"the first {MOST_ROWS} rows are shown, {self.n_rows - MOST_ROWS:,} are not")
        if max(self.network.layer_sizes) > MOST_UNITS:
            found.append(
                f"at most {MOST_UNITS} units of a layer are shown; "
                "ask for any by its name: .unit('z7'), .path('x1', 'a7')"
            )
        return found

    # ------------------------------------------------------------------ forms
    def to_text(self, *, max_parameters: int | None = MOST_PARAMETERS) -> str:
        """Return it as plain text.

        Parameters
        ----------
        max_parameters : int or None, default 64
            Of more parameters those with the largest derivatives are shown; None: all.
        """
        from bp_core.explain._text import explanation_text

        return explanation_text(self, max_parameters)

    def to_html(self, *, max_parameters: int | None = MOST_PARAMETERS) -> str:
        """Return it as a piece of HTML, as notebooks show it.

        Parameters
        ----------
        max_parameters : int or None, default 64
            As for :meth:`to_text`.
        """
        from bp_core.explain._html import explanation_html

        return explanation_html(self, max_parameters)

    def to_latex(self, *, max_parameters: int | None = MOST_PARAMETERS, document: bool = False) -> str:
        r"""Return it in LaTeX; it needs the package amsmath.

        Parameters
        ----------
        max_parameters : int or None, default 64
            As for :meth:`to_text`.
        document : bool, default False
            With ``\documentclass`` and all around it.
        """
        from bp_core.explain._latex import explanation_latex

        return explanation_latex(self, max_parameters, document)

    def to_dict(self, *, max_parameters: int | None = None) -> dict[str, Any]:
        """Return it as a dictionary of names and numbers, as JSON can hold it.

        Parameters
        ----------
        max_parameters : int or None, default None
            As for :meth:`to_text`; by default all are there.

        Returns
        -------
        dict
            ``layer_sizes``, ``activations``, ``bias``, ``dtype``, ``loss`` (name, formula, value), ``learning_rate``,
            ``n_rows``; ``rows``, each with its ``loss``, ``inputs`` (name, value, derivative), ``targets`` (name,
            value) and ``units`` (as :meth:`UnitExplanation.to_dict`, with layer and index); ``parameters`` (as
            :meth:`ParameterExplanation.to_dict`), and in ``left_out`` what is missing, in words.
        """
        from bp_core.explain._dictionary import explanation_dict

        return explanation_dict(self, max_parameters)

    def save_html(self, path: str | os.PathLike[str]) -> None:
        """Write one page that needs nothing else: the network, where a weight shows its paths and its chain rule.

        Parameters
        ----------
        path : str or path-like

        Raises
        ------
        OSError
            If the file cannot be written; an old file stays as it was.
        """
        from bp_core.explain._page import save_page

        save_page(self, path)

    # ---------------------------------------------------------------- inside
    @cached_property
    def _differences(self) -> Differences | None:
        """Central differences; None where a row lies at a kink."""
        if near_kink(self.network, self._x.astype(np.float64), self._y, self._objective.loss).any():
            return None
        return Differences(self.network, self._x, self._y, self._objective.loss)

    def _places(self, most: int | None) -> list[Parameter]:
        """The parameters to show, in the order of their numbers."""
        shapes = [W.shape for W in self.network.weights] + [b.shape for b in self.network.biases]
        sizes = [*self._gradients.weights, *self._gradients.biases]
        flat = np.abs(np.concatenate([part.ravel() for part in sizes]))
        flat[np.isnan(flat)] = np.inf
        kept = np.arange(flat.size)
        if most is not None and flat.size > most:
            kept = np.sort(np.argsort(-flat, kind="stable")[:most])
        starts = np.cumsum([0, *(part.size for part in sizes)])
        found = []
        for at in kept:
            which = int(np.searchsorted(starts, at, side="right")) - 1
            inside = np.unravel_index(int(at - starts[which]), shapes[which])
            found.append(self._place(which, tuple(int(i) for i in inside)))
        return found

    def _place(self, which: int, inside: tuple[int, ...]) -> Parameter:
        n = len(self.network.weights)
        if which < n:
            return Parameter(which, inside[0], inside[1])
        return Parameter(which - n, None, inside[0] if self.network.bias[which - n] == "unit" else None)

    def _explain(self, place: Parameter) -> ParameterExplanation:
        l, k, j = place
        at = (j or 0,) if k is None else (k, j or 0)
        array = f"biases[{l}]" if k is None else f"weights[{l}]"
        difference, error = self._differences.compare(array, at) if self._differences else (None, None)
        kind = "biases" if k is None else "weights"
        return ParameterExplanation(
            name=self.names.bias(l, j or 0) or "" if k is None else self.names.weight(l, k, j or 0),
            place=f"{array}[{', '.join(map(str, at))}]",
            source="1" if k is None else self.names.source(l, k),
            target=self._target(l, j),
            value=float(getattr(self.network, kind)[l][at]),
            derivative=float(getattr(self._gradients, kind)[l][at]),
            updated=float(getattr(self._stepped, kind)[l][at]),
            learning_rate=self.learning_rate,
            difference=difference,
            error=error,
            rows=tuple(self._products(self.row(s), place) for s in self.shown_rows),
            n_rows=self.n_rows,
        )

    def _target(self, l: int, j: int | None) -> str:
        if j is not None:
            return self.names.z(l, j)
        units = [self.names.z(l, i) for i in range(self.network.layer_sizes[l + 1])]
        return ", ".join(units) if len(units) <= MOST_ROWS else f"{units[0]} to {units[-1]}"

    @staticmethod
    def _products(row: Row, place: Parameter) -> Any:
        l, k, j = place
        return row.bias_products(l, j) if k is None else row.weight_products(l, k, j or 0)
