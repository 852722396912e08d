"""Explanation: a forward pass, its error, and every derivative by name."""

from __future__ import annotations

import operator
import os
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bp_core import _checks, _passes
from bp_core._names import given_input_names, read_names
from bp_core._unit_names import Parameter, UnitNames
from bp_core.explain import _selection
from bp_core.explain._check import Checker
from bp_core.explain._dictionary import explanation_dict
from bp_core.explain._html import sections_html
from bp_core.explain._latex import sections_latex
from bp_core.explain._page import save_page
from bp_core.explain._parameter import ParameterExplanation
from bp_core.explain._paths import PathExplanation, follow
from bp_core.explain._row import Objective, Row
from bp_core.explain._sections import sections
from bp_core.explain._selection import MOST_PARAMETERS
from bp_core.explain._text import sections_text
from bp_core.explain._unit import UnitExplanation, explain_unit
from bp_core.losses import LossLike, resolve
from bp_core.optimizers import SGD
from bp_core.trainer import Trainer

if TYPE_CHECKING:
    from bp_core.network import Network

Real = NDArray[Any]


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
    loss_parameter : float
        The Huber loss's threshold or the quantile loss's level; of other losses 1, and without a meaning.
    learning_rate : float
    n_rows : int
    inputs : ndarray, (n, n_in), or (n_in,) for one row
        dE/dx.
    input_names, output_names : tuple of str or None
        What inputs and outputs are called besides x1, y1.
    """

    def __init__(
        self,
        net: Network,
        x: ArrayLike,
        y: ArrayLike,
        loss: LossLike,
        learning_rate: float,
        input_names: Sequence[object] | None = None,
        output_names: Sequence[object] | None = None,
    ) -> None:
        problem = _passes.prepare(net, x, y, loss, None)
        self.input_names = given_input_names(input_names, x, net.layer_sizes[0])
        self.output_names = read_names("output_names", output_names, net.layer_sizes[-1])
        self.network = net.copy()
        self.names = UnitNames(net.layer_sizes, net.bias)
        self.loss_name, self.loss_parameter = resolve(loss, net.output)
        self._objective = Objective(loss, self.loss_name, self.loss_parameter, net.layer_sizes[-1])
        self._x: Real = np.array(problem.rows)
        self._y: Real = np.array(problem.data.targets)
        self._gradients = _passes.gradients(self.network, problem)
        self.loss, self.inputs = self._gradients.loss, self._gradients.inputs
        self.n_rows = self._x.shape[0]
        self._check_finite()
        stepped = self.network.copy()
        trainer = Trainer(stepped, loss=loss, optimizer=SGD(learning_rate=learning_rate), n_threads=1)
        trainer.step(self._x, self._y)
        self._stepped, self.learning_rate = stepped, trainer.optimizer.learning_rate
        self._rows: dict[int, Row] = {}

    def _check_finite(self) -> None:
        """Raise for a derivative beyond all numbers."""
        (parameter,) = self._largest(1)
        value = getattr(self._gradients, parameter.kind)[parameter.layer][parameter.place]
        if not np.isfinite(value):
            raise ValueError(
                f"dE/d{self.names.name(parameter)} is {value} in {self.network.dtype}; expected finite numbers: "
                "the inputs or the weights are too large"
            )

    def _largest(self, most: int | None) -> list[Parameter]:
        """The parameters with the largest derivatives, in the order of their numbers."""
        found = self._gradients
        return _selection.largest_parameters(found.weights, found.biases, self.network.bias, most)

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
        return explain_unit(self.row(row), l, j)

    def row(self, s: int) -> Row:
        """One row of the batch, its numbers computed when they are first asked for."""
        try:
            s = operator.index(s)
        except TypeError:
            raise TypeError(f"row is {s!r}; expected a whole number") from None
        if not 0 <= s < self.n_rows:
            raise ValueError(f"row is {s}; this explanation has rows 0 to {self.n_rows - 1}")
        if s not in self._rows:
            self._rows[s] = Row(self.network, self.names, self._objective, self._x[s], self._y[s])
        return self._rows[s]

    # ------------------------------------------------------------ what is shown of it
    def parameters(self, most: int | None = MOST_PARAMETERS) -> Iterator[ParameterExplanation]:
        """Yield the parameters in order; of more than ``most`` those with the largest derivatives; None: all."""
        most = None if most is None else _checks.positive_integer("max_parameters", most, "or None for all")
        yield from map(self._explain, self._largest(most))

    @property
    def shown_rows(self) -> range:
        """The rows of the batch that are shown."""
        return range(min(self.n_rows, _selection.MOST_ROWS))

    def shown_units(self, l: int) -> range:
        """The units of a layer that are shown; layer -1 are the inputs."""
        return range(min(self.network.layer_sizes[l + 1], _selection.MOST_UNITS))

    def left_out(self, most: int | None = MOST_PARAMETERS) -> list[str]:
        """Say in words what is not shown."""
        net = self.network
        return _selection.left_out(net.layer_sizes, net.n_parameters, self.n_rows, most)

    # ------------------------------------------------------------------ forms
    def to_text(self, *, max_parameters: int | None = MOST_PARAMETERS) -> str:
        """Return it as plain text.

        Parameters
        ----------
        max_parameters : int or None, default 64
            Of more parameters those with the largest derivatives are shown; None: all.

        Raises
        ------
        ValueError
            If ``max_parameters`` is no whole number from 1 up, nor None.
        """
        return sections_text(sections(self, max_parameters))

    def to_html(self, *, max_parameters: int | None = MOST_PARAMETERS) -> str:
        """Return it as a piece of HTML, as notebooks show it.

        Parameters
        ----------
        max_parameters : int or None, default 64
            As for :meth:`to_text`.
        """
        return sections_html(sections(self, max_parameters))

    def to_latex(self, *, max_parameters: int | None = MOST_PARAMETERS, document: bool = False) -> str:
        r"""Return it in LaTeX; it needs the package amsmath.

        Parameters
        ----------
        max_parameters : int or None, default 64
            As for :meth:`to_text`.
        document : bool, default False
            With ``\documentclass`` and all around it.
        """
        return sections_latex(sections(self, max_parameters), document)

    def to_dict(self, *, max_parameters: int | None = MOST_PARAMETERS) -> dict[str, Any]:
        """Return it as a dictionary of names and numbers, as JSON can hold it.

        Parameters
        ----------
        max_parameters : int or None, default 64
            As for :meth:`to_text`.

        Returns
        -------
        dict
            ``layer_sizes``, ``activations``, ``bias``, ``dtype``, ``loss`` (name, formula, note, value),
            ``learning_rate``, ``n_rows``; ``rows``, each with its ``loss``, ``inputs`` (name, label, value,
            derivative), ``targets`` (name, label, value) and ``units`` (as :meth:`UnitExplanation.to_dict`, with layer
            and index); ``parameters`` (as :meth:`ParameterExplanation.to_dict`), and in ``left_out`` what is missing,
            in words.
        """
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
        save_page(self, path)

    # ---------------------------------------------------------------- inside
    @cached_property
    def _checker(self) -> Checker:
        return Checker(self.network, self._x, self._y, self._objective.loss)

    def _explain(self, parameter: Parameter) -> ParameterExplanation:
        source, targets = self.names.ends(parameter)
        kind, l, place = parameter.kind, parameter.layer, parameter.place
        return ParameterExplanation(
            name=self.names.name(parameter),
            place=f"{kind}[{l}][{', '.join(map(str, place))}]",
            source=source,
            target=", ".join(targets) if len(targets) <= _selection.MOST_ROWS else f"{targets[0]} to {targets[-1]}",
            value=float(getattr(self.network, kind)[l][place]),
            derivative=float(getattr(self._gradients, kind)[l][place]),
            updated=float(getattr(self._stepped, kind)[l][place]),
            learning_rate=self.learning_rate,
            check=self._checker.check(parameter),
            rows=tuple(self.row(s).products(parameter) for s in self.shown_rows),
            n_rows=self.n_rows,
        )
