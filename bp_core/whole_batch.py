"""Methods that take all rows as one batch: frozen settings without state, as the optimizers are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bp_core import _checks
from bp_core._names import look_up
from bp_core._recipe import PLAIN, Recipe
from bp_core.optimizers import BY_NAME, Optimizer

if TYPE_CHECKING:
    from bp_core._regularisation import Regularisation

MOST_PARAMETERS = 8192
"""Of a network that Levenberg-Marquardt trains: two matrices of so many rows and columns are a gigabyte in float64."""

SQUARED_ERRORS = ("half_squared_error", "mse")


class WholeBatch(Optimizer):
    """What such methods share: an epoch is one step from all rows, of a length of the method's own.

    ``batch_size`` and ``shuffle`` do not matter to them, and ``Trainer.step`` does not take them.
    """

    def _recipe(self) -> Recipe:
        """Read for the penalties that a trainer adds."""
        return Recipe(PLAIN)

    def _states(self) -> tuple[str, ...]:
        return ()

    def _check_use(self, loss: str, regularisation: Regularisation, n_parameters: int) -> None:
        """Raise for what the method cannot do with these settings of a trainer."""
        for name in ("clip_norm", "max_norm", "average_decay", "dropout"):
            value = getattr(regularisation, name)
            if value not in (None, ()):
                raise ValueError(f"{name} is {value!r}; {type(self).__name__} takes none: its steps are its own")


@dataclass(frozen=True, repr=False, eq=False)
class LevenbergMarquardt(WholeBatch):
    """Damped least squares (K. Levenberg, 1944; D. Marquardt, 1963): tens of epochs where others need thousands.

    With r the residuals a - y of all rows and outputs, each times the root of what its square counts for in the loss,
    and J their derivatives by the parameters, an epoch solves (J^T J + damping I) step = J^T r by Cholesky's factors
    and subtracts the step (M. T. Hagan and M. B. Menhaj, 1994, for networks). If that lowers the loss, the damping is
    multiplied by ``damping_decrease``; if not, the step is undone, the damping multiplied by ``damping_increase`` and
    the step tried again. For the losses half_squared_error and mse; ``l2`` is part of the equations.

    An epoch takes rows x outputs x parameters^2 + parameters^3 / 3 operations, and memory for two square matrices. The
    bits do not depend on the CPU; float64 is recommended, since J^T J has the square of J's condition.

    Parameters
    ----------
    damping : float, default 1e-3
        Of the first step; MATLAB's trainlm calls it mu. It is on the scale of the loss's second derivatives.
    damping_decrease : float, default 0.1
        After a step that lowered the loss; above 0, below 1 (mu_dec).
    damping_increase : float, default 10.0
        After one that did not; above 1 (mu_inc).
    max_damping : float, default 1e10
        Where no step lowers the loss up to this damping, the fit stops with reason "max_damping" (mu_max).
    min_gradient : float, default 1e-7
        The fit stops with reason "min_gradient" where the gradient's norm is at most this (min_grad).
    scaling : str, default "identity"
        "diagonal" damps by the diagonal of J^T J instead of I, as Marquardt did: independent of the parameters' scale.

    Raises
    ------
    ValueError
        For a setting outside its range; and from :class:`Trainer` for another loss, ``l1``, ``clip_norm``,
        ``max_norm``, ``dropout``, ``average_decay``, or a network of more than 8,192 parameters.

    Examples
    --------
    >>> import numpy as np
    >>> import bp_core as bp
    >>> X = np.linspace(-1, 1, 41)[:, None]
    >>> net = bp.Network((1, 10, 1), hidden="tanh", dtype="float64", seed=0)
    >>> trainer = bp.Trainer(net, optimizer=bp.LevenbergMarquardt())
    >>> history = trainer.fit(X, np.sin(np.pi * X), epochs=50)
    >>> history.loss[-1] < 1e-4 < history.loss[0]
    True
    """

    damping: float = 1e-3
    damping_decrease: float = 0.1
    damping_increase: float = 10.0
    max_damping: float = 1e10
    min_gradient: float = 1e-7
    scaling: str = "identity"

    def __post_init__(self) -> None:
        for name in ("damping", "max_damping"):
            _checks.positive_number(name, getattr(self, name))
        if not _checks.is_number(self.damping_decrease) or not 0 < self.damping_decrease < 1:
            raise ValueError(f"damping_decrease is {self.damping_decrease!r}; expected a number above 0 and below 1")
        if not _checks.is_number(self.damping_increase) or self.damping_increase <= 1:
            raise ValueError(f"damping_increase is {self.damping_increase!r}; expected a number above 1")
        _checks.number_from_zero("min_gradient", self.min_gradient)
        look_up("scaling", self.scaling, ("identity", "diagonal"))

    def _check_use(self, loss: str, regularisation: Regularisation, n_parameters: int) -> None:
        super()._check_use(loss, regularisation, n_parameters)
        if loss not in SQUARED_ERRORS:
            raise ValueError(
                f"LevenbergMarquardt takes loss half_squared_error or mse, not {loss}; use LBFGS, or steps by batches"
            )
        if regularisation.l1:
            raise ValueError(f"l1 is {regularisation.l1!r}; LevenbergMarquardt takes l2 alone: abs(W) is no square")
        if n_parameters > MOST_PARAMETERS:
            raise ValueError(
                f"LevenbergMarquardt takes networks of at most {MOST_PARAMETERS:,} parameters; this one has "
                f"{n_parameters:,}, whose matrices need {16 * n_parameters**2 / 2**30:.1f} GiB in float64; use LBFGS"
            )


@dataclass(frozen=True, repr=False, eq=False)
class LBFGS(WholeBatch):
    """Limited-memory quasi-Newton steps with a line search, by SciPy's L-BFGS-B (R. H. Byrd et al., 1995).

    All losses and penalties; an epoch is one iteration. Needs SciPy (extra ``lbfgs``). SciPy adds up in orders of its
    own, so results are not the same bits on every machine. Each ``fit`` begins with an empty memory. SciPy's numbers
    are float64: with a float32 network its line search ends early, where the loss no longer changes in float32.

    Parameters
    ----------
    memory : int, default 10
        Steps from which the curvature is estimated (SciPy's maxcor).
    max_evaluations : int, default 15000
        Of the loss in one fit; then it stops with reason "max_evaluations" (maxfun).
    min_gradient : float, default 1e-5
        The fit stops with reason "min_gradient" where no derivative is larger (gtol).
    min_improvement : float, default 2.220446049250313e-09
        The fit stops with reason "min_improvement" where an epoch lowers the loss by at most this times the larger of
        the loss and 1 (ftol).

    Raises
    ------
    ValueError
        For a setting outside its range; and from :class:`Trainer` for ``clip_norm``, ``max_norm``, ``dropout``,
        ``average_decay``.
    ImportError
        From ``fit``, without SciPy.

    Examples
    --------
    >>> import bp_core as bp
    >>> net = bp.Network((2, 3, 1), hidden="tanh", dtype="float64", seed=0)
    >>> trainer = bp.Trainer(net, optimizer=bp.LBFGS(), l2=1e-4)
    >>> history = trainer.fit([[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0], epochs=200)
    >>> history.stop_reason in ("min_gradient", "min_improvement")
    True
    """

    memory: int = 10
    max_evaluations: int = 15000
    min_gradient: float = 1e-5
    min_improvement: float = 2.220446049250313e-09

    def __post_init__(self) -> None:
        _checks.positive_integer("memory", self.memory)
        _checks.positive_integer("max_evaluations", self.max_evaluations)
        for name in ("min_gradient", "min_improvement"):
            _checks.number_from_zero(name, getattr(self, name))


BY_NAME["levenberg_marquardt"], BY_NAME["lbfgs"] = LevenbergMarquardt, LBFGS
