"""The optimizers: frozen settings without state; a Trainer holds the state.

The updates and the defaults are those of torch.optim's classes of the same names: g is the gradient
of a parameter p, t counts steps from 1. A moment (m or v) below the normal range of its dtype becomes
0: arithmetic down there is slow, and nothing is lost beside epsilon.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING

import numpy as np

from bp_core import _engine_f64
from bp_core._checks import is_number
from bp_core._names import look_up
from bp_core._recipe import ADAGRAD, ADAM, ADAMW, MOMENTUM, NADAM, NESTEROV, PLAIN, RMSPROP, RPROP, Recipe
from bp_core._settings import Settings

if TYPE_CHECKING:
    from bp_core._regularisation import Regularisation


LOG_096 = -0.04082199452025513
"""log 0.96."""

_CHECKS: dict[str, tuple[Callable[[float], bool], str]] = {
    **dict.fromkeys(
        ("learning_rate", "epsilon", "smallest", "largest"), (lambda value: value > 0, "a positive number")
    ),
    **dict.fromkeys(("weight_decay", "momentum_decay"), (lambda value: value >= 0, "a number from 0 up")),
    "decrease": (lambda value: 0 < value < 1, "a number between 0 and 1"),
    "increase": (lambda value: value > 1, "a number above 1"),
    **dict.fromkeys(
        ("momentum", "rho", "beta1", "beta2"),
        (lambda value: 0 <= value < 1, "a number from 0 up to, not including, 1"),
    ),
}


class Optimizer(Settings):
    """What all optimizers share: checked settings, and what the engine asks of them."""

    learning_rate: float

    def __post_init__(self) -> None:
        for field in fields(self):  # type: ignore[arg-type]  # every subclass is a dataclass
            value = getattr(self, field.name)
            if field.name in _CHECKS:
                accepts, expected = _CHECKS[field.name]
                if not is_number(value) or not accepts(value):
                    raise ValueError(f"{field.name} is {value!r}; expected {expected}")

    def _recipe(self) -> Recipe:
        """Return what the engine takes."""
        raise NotImplementedError

    def _states(self) -> tuple[str, ...]:
        """Return which arrays of state the rule keeps, of "m" and "v"."""
        raise NotImplementedError

    def _check_use(self, loss: str, regularisation: Regularisation, n_parameters: int) -> None:
        """Raise for what the method cannot do with these settings of a trainer."""


@dataclass(frozen=True, repr=False, eq=False)
class SGD(Optimizer):
    """Gradient descent, plain or with momentum.

    Plain: p -= learning_rate g. With momentum: m = momentum m + g, p -= learning_rate m; with
    ``nesterov`` p -= learning_rate (g + momentum m).

    Parameters
    ----------
    learning_rate : float, default 0.01
        Positive.
    momentum : float, default 0.0
        From 0 up to, not including, 1.
    nesterov : bool, default False
        Needs a momentum above 0.

    Raises
    ------
    ValueError
        For a setting outside its range.

    Examples
    --------
    >>> import bp_core as bp
    >>> bp.SGD(learning_rate=0.1, momentum=0.9)
    SGD(learning_rate=0.1, momentum=0.9, nesterov=False)
    """

    learning_rate: float = 0.01
    momentum: float = 0.0
    nesterov: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.nesterov, bool):
            raise ValueError(f"nesterov is {self.nesterov!r}; expected True or False")
        if self.nesterov and self.momentum == 0:
            raise ValueError("nesterov=True needs a momentum above 0; momentum is 0")

    def _recipe(self) -> Recipe:
        code = NESTEROV if self.nesterov else (MOMENTUM if self.momentum else PLAIN)
        return Recipe(code, self.momentum)

    def _states(self) -> tuple[str, ...]:
        return ("m",) if self.momentum else ()


@dataclass(frozen=True, repr=False, eq=False)
class RMSprop(Optimizer):
    """Steps divided by a running root mean square of the gradient (T. Tieleman and G. Hinton, 2012).

    v = rho v + (1 - rho) g^2, p -= learning_rate g / (sqrt(v) + epsilon).

    Parameters
    ----------
    learning_rate : float, default 0.01
        Positive.
    rho : float, default 0.99
        Decay of the mean, from 0 up to, not including, 1 (torch calls it alpha).
    epsilon : float, default 1e-8
        Positive; outside the root.

    Raises
    ------
    ValueError
        For a setting outside its range.

    Examples
    --------
    >>> import bp_core as bp
    >>> bp.RMSprop(rho=0.9)
    RMSprop(learning_rate=0.01, rho=0.9, epsilon=1e-08)
    """

    learning_rate: float = 0.01
    rho: float = 0.99
    epsilon: float = 1e-8

    def _recipe(self) -> Recipe:
        return Recipe(RMSPROP, rho=self.rho, epsilon=self.epsilon)

    def _states(self) -> tuple[str, ...]:
        return ("v",)


@dataclass(frozen=True, repr=False, eq=False)
class Adagrad(Optimizer):
    """Steps divided by the root of the sum of all squared gradients (J. Duchi et al., 2011).

    v += g^2, p -= learning_rate g / (sqrt(v) + epsilon).

    Parameters
    ----------
    learning_rate : float, default 0.01
        Positive.
    epsilon : float, default 1e-10
        Positive; outside the root.

    Raises
    ------
    ValueError
        For a setting outside its range.

    Examples
    --------
    >>> import bp_core as bp
    >>> bp.Adagrad()
    Adagrad(learning_rate=0.01, epsilon=1e-10)
    """

    learning_rate: float = 0.01
    epsilon: float = 1e-10

    def _recipe(self) -> Recipe:
        return Recipe(ADAGRAD, epsilon=self.epsilon)

    def _states(self) -> tuple[str, ...]:
        return ("v",)


@dataclass(frozen=True, repr=False, eq=False)
class Adam(Optimizer):
    """Steps by the mean of the gradient over the root of its mean square (D. Kingma and J. Ba, 2015).

    m = beta1 m + (1 - beta1) g, v = beta2 v + (1 - beta2) g^2,
    p -= learning_rate / (1 - beta1^t) m / (sqrt(v) / sqrt(1 - beta2^t) + epsilon).

    Parameters
    ----------
    learning_rate : float, default 0.001
        Positive.
    beta1, beta2 : float, default 0.9 and 0.999
        Decays of the two means, from 0 up to, not including, 1.
    epsilon : float, default 1e-8
        Positive; outside the root.

    Raises
    ------
    ValueError
        For a setting outside its range.

    Examples
    --------
    >>> import bp_core as bp
    >>> bp.Adam(learning_rate=0.01).beta2
    0.999
    """

    learning_rate: float = 0.001
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8

    def _recipe(self) -> Recipe:
        return Recipe(ADAM, self.beta1, self.beta2, self.epsilon)

    def _states(self) -> tuple[str, ...]:
        return ("m", "v")


@dataclass(frozen=True, repr=False, eq=False)
class AdamW(Optimizer):
    """Adam with decay of the parameters apart from the gradient (I. Loshchilov and F. Hutter, 2019).

    p = (1 - learning_rate weight_decay) p, then Adam's update. Every parameter decays, biases too.

    Parameters
    ----------
    learning_rate : float, default 0.001
        Positive.
    beta1, beta2 : float, default 0.9 and 0.999
        Decays of the two means, from 0 up to, not including, 1.
    epsilon : float, default 1e-8
        Positive; outside the root.
    weight_decay : float, default 0.01
        From 0 up.

    Raises
    ------
    ValueError
        For a setting outside its range.

    Examples
    --------
    >>> import bp_core as bp
    >>> bp.AdamW(weight_decay=0.1).weight_decay
    0.1
    """

    learning_rate: float = 0.001
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    weight_decay: float = 0.01

    def _recipe(self) -> Recipe:
        return Recipe(ADAMW, self.beta1, self.beta2, self.epsilon, self.weight_decay)

    def _states(self) -> tuple[str, ...]:
        return ("m", "v")


@dataclass(frozen=True, repr=False, eq=False)
class NAdam(Optimizer):
    """Adam with Nesterov's look ahead and a momentum that grows (T. Dozat, 2016).

    m and v as Adam's, and with mu_t = beta1 (1 - 0.96^(t momentum_decay) / 2) and P_t = mu_1 mu_2 ... mu_t
    p -= learning_rate ((1 - mu_t) / (1 - P_t) g + mu_(t+1) / (1 - P_(t+1)) m)
    / (sqrt(v) / sqrt(1 - beta2^t) + epsilon).

    Parameters
    ----------
    learning_rate : float, default 0.002
        Positive.
    beta1, beta2 : float, default 0.9 and 0.999
        Decays of the two means, from 0 up to, not including, 1.
    epsilon : float, default 1e-8
        Positive; outside the root.
    momentum_decay : float, default 0.004
        How soon the momentum grows from about beta1 / 2 to beta1; from 0 up, where 0 keeps it at beta1 / 2.

    Raises
    ------
    ValueError
        For a setting outside its range.

    Examples
    --------
    >>> import bp_core as bp
    >>> bp.NAdam(beta1=0.8)
    NAdam(learning_rate=0.002, beta1=0.8, beta2=0.999, epsilon=1e-08, momentum_decay=0.004)
    """

    learning_rate: float = 0.002
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    momentum_decay: float = 0.004

    def _recipe(self) -> Recipe:
        return Recipe(NADAM, self.beta1, self.beta2, self.epsilon, self._decay())

    def _decay(self) -> float:
        """0.96^momentum_decay by the library's own exponential; the engine multiplies it up over the steps."""
        decay = np.array([self.momentum_decay * LOG_096])
        return float(_engine_f64.elementary("exp", decay, np.empty_like(decay))[0])

    def _states(self) -> tuple[str, ...]:
        return ("m", "v")


@dataclass(frozen=True, repr=False, eq=False)
class Rprop(Optimizer):
    """A step of its own for each parameter, by the signs of its gradient alone (M. Riedmiller and H. Braun, 1993).

    While the gradient of a parameter keeps its sign, its step grows by ``increase``; where the sign turned, the step
    shrinks by ``decrease``, the parameter stays, and the gradient counts as 0 in the next step. Else
    p -= step sign(g). The sizes of gradients are not looked at, so l2, l1 and the scale of the loss act by signs only.

    For full batches: the gradients of small ones change their sign with the rows.

    Parameters
    ----------
    learning_rate : float, default 0.01
        A parameter's first step, taken with the first of its gradients that is not 0; positive. Later steps do not
        read it.
    decrease : float, default 0.5
        Between 0 and 1 (torch's and the papers' eta minus).
    increase : float, default 1.2
        Above 1 (eta plus).
    smallest, largest : float, default 1e-6 and 50.0
        Limits of every step, the first included; positive.

    Raises
    ------
    ValueError
        For a setting outside its range.

    Examples
    --------
    >>> import bp_core as bp
    >>> net = bp.Network.from_arrays([[[1.0]]], None, hidden=(), output="identity")
    >>> trainer = bp.Trainer(net, optimizer=bp.Rprop(learning_rate=0.5), batch_size="full")
    >>> [round(trainer.step([[1.0]], [[3.0]]), 3) for _ in range(3)]  # (a - 3)^2 / 2: a is 1, 1.5 and 2.1
    [2.0, 1.125, 0.405]
    """

    learning_rate: float = 0.01
    decrease: float = 0.5
    increase: float = 1.2
    smallest: float = 1e-6
    largest: float = 50.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.smallest > self.largest:
            raise ValueError(f"smallest is {self.smallest!r}; expected at most largest, {self.largest!r}")

    def _recipe(self) -> Recipe:
        return Recipe(RPROP, self.decrease, self.increase, self.smallest, self.largest)

    def _states(self) -> tuple[str, ...]:
        return ("m", "v")


BY_NAME: dict[str, type[Optimizer]] = {
    "sgd": SGD,
    "rmsprop": RMSprop,
    "adagrad": Adagrad,
    "adam": Adam,
    "adamw": AdamW,
    "nadam": NAdam,
    "rprop": Rprop,
}


def resolve(optimizer: Optimizer | str) -> Optimizer:
    """Return the optimizer; a name means its defaults."""
    if isinstance(optimizer, Optimizer):
        return optimizer
    if not isinstance(optimizer, str):
        raise TypeError(f"optimizer is {optimizer!r}; expected a name or one like bp.SGD(learning_rate=0.01)")
    return BY_NAME[look_up("optimizer", optimizer.lower(), tuple(BY_NAME))]()


def at_rate(optimizer: Optimizer, rate: float) -> Optimizer:
    """Return the optimizer with another learning rate."""
    if not any(field.name == "learning_rate" for field in fields(optimizer)):  # type: ignore[arg-type]
        raise ValueError(f"{type(optimizer).__name__} has no learning rate; expected an optimizer that has one, as SGD")
    return replace(optimizer, learning_rate=rate)  # type: ignore[type-var]
