"""The settings of an estimator: what each accepts, and the error for what it does not, in scikit-learn's wording."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from numbers import Integral, Real
from typing import Any, NamedTuple

import numpy as np

from bp_core import activations
from bp_core.optimizers import BY_NAME, Optimizer
from bp_core.whole_batch import WholeBatch

STOCHASTIC = ("sgd", "adam")
"""scikit-learn's solvers that go batch by batch."""

EXTRA_SOLVERS = tuple(
    name for name, kind in BY_NAME.items() if name not in STOCHASTIC and not issubclass(kind, WholeBatch)
)
"""The optimizers of this library beyond those that go batch by batch too, by name."""


class InvalidParameterError(ValueError, TypeError):
    """A setting of the wrong type or outside its range; both errors at once, as scikit-learn's own."""


class Accepts(NamedTuple):
    """A kind of value, and the words for it."""

    holds: Callable[[Any], bool]
    words: str


def number(kind: type, low: float, high: float | None = None, *, brackets: str = "[)") -> Accepts:
    """Accept a number between two bounds; a square bracket includes its bound."""

    def holds(value: Any) -> bool:
        if not isinstance(value, kind) or value != value:
            return False
        most = np.inf if high is None else high
        above = value >= low if brackets[0] == "[" else value > low  # type: ignore[operator]
        return above and (value <= most if brackets[1] == "]" else value < most)  # type: ignore[operator]

    whole = kind is Integral
    ends = [f"{bound}" if whole else f"{float(bound)}" for bound in (low, np.inf if high is None else high)]
    return Accepts(
        holds, f"{'an int' if whole else 'a float'} in the range {brackets[0]}{ends[0]}, {ends[1]}{brackets[1]}"
    )


def word(*words: str) -> Accepts:
    """Accept one of some words."""
    listed = ", ".join(f"'{choice}'" for choice in sorted(words))
    return Accepts(lambda value: isinstance(value, str) and value in words, f"a str among {{{listed}}}")


def instance(kind: type, name: str) -> Accepts:
    """Accept an instance of a class."""
    return Accepts(lambda value: isinstance(value, kind), f"an instance of '{name}'")


def _is_list(value: Any) -> bool:
    """Whether there are several numbers in a value; a text or an array without axes has none."""
    sized = hasattr(value, "__len__") or hasattr(value, "shape") or hasattr(value, "__array__")
    return sized and not isinstance(value, (str, bytes)) and getattr(value, "ndim", 1) > 0


NONE = Accepts(lambda value: value is None, "None")
BOOLEAN = (instance(bool, "bool"), instance(np.bool_, "numpy.bool"))
ARRAY = Accepts(_is_list, "an array-like")
OPTIMIZER = Accepts(
    lambda value: isinstance(value, Optimizer) and not isinstance(value, WholeBatch),
    "an optimizer that goes batch by batch, such as bp.RMSprop(rho=0.9)",
)
ACTIVATIONS = ("logistic", *activations.HIDDEN)

COMMON: Mapping[str, tuple[Accepts, ...]] = {
    "hidden_layer_sizes": (ARRAY, number(Integral, 1)),
    "activation": (
        word(*ACTIVATIONS),
        Accepts(
            lambda value: isinstance(value, (list, tuple)) and all(name in ACTIVATIONS for name in value),
            "a list of them, one for each hidden layer",
        ),
    ),
    "solver": (word("lbfgs", *STOCHASTIC, *EXTRA_SOLVERS), OPTIMIZER),
    "alpha": (number(Real, 0),),
    "batch_size": (word("auto"), number(Integral, 1)),
    "learning_rate": (word("constant", "invscaling", "adaptive"),),
    "learning_rate_init": (number(Real, 0, brackets="()"),),
    "power_t": (number(Real, 0),),
    "max_iter": (number(Integral, 1),),
    "shuffle": BOOLEAN,
    "random_state": (
        number(Integral, 0, 2**32 - 1, brackets="[]"),
        instance(np.random.RandomState, "numpy.random.mtrand.RandomState"),
        NONE,
    ),
    "tol": (number(Real, 0),),
    "verbose": (number(Integral, 0), *BOOLEAN),
    "warm_start": BOOLEAN,
    "momentum": (number(Real, 0, 1, brackets="[]"),),
    "nesterovs_momentum": BOOLEAN,
    "early_stopping": BOOLEAN,
    "validation_fraction": (number(Real, 0, 1),),
    "beta_1": (number(Real, 0, 1),),
    "beta_2": (number(Real, 0, 1),),
    "epsilon": (number(Real, 0, brackets="()"),),
    "n_iter_no_change": (
        number(Integral, 1),
        Accepts(lambda value: isinstance(value, Real) and value == np.inf, "a float among {inf}"),
    ),
    "max_fun": (number(Integral, 1),),
    "dropout": (number(Real, 0, 1), ARRAY),
    "callbacks": (
        NONE,
        Accepts(callable, "a callable"),
        Accepts(lambda value: isinstance(value, (list, tuple)) and all(map(callable, value)), "a list of callables"),
    ),
    "progress": BOOLEAN,
    "n_threads": (NONE, number(Integral, 1)),
    "transform_layer": (Accepts(lambda value: isinstance(value, Integral), "an int"),),
}
"""What both estimators accept; scikit-learn's settings first."""


def check(estimator: str, settings: Mapping[str, Any], rules: Mapping[str, Iterable[Accepts]]) -> None:
    """Raise for the first setting that no rule accepts."""
    for name, value in settings.items():
        kinds = list(rules.get(name, ()))
        if kinds and not any(kind.holds(value) for kind in kinds):
            words = [kind.words for kind in kinds]
            listed = f"{', '.join(words[:-1])} or {words[-1]}" if len(words) > 1 else words[0]
            raise InvalidParameterError(
                f"The {name!r} parameter of {estimator} must be {listed}. Got {value!r} instead."
            )


def hidden_sizes(given: Any) -> list[int]:
    """The hidden layers' sizes as a list; a single number is one layer."""
    sizes = list(given) if hasattr(given, "__iter__") else [given]
    if not all(isinstance(size, Integral) for size in sizes):
        raise TypeError(f"hidden_layer_sizes is {given!r}; expected whole numbers of units")
    if np.any(np.array(sizes) <= 0):
        raise ValueError(f"hidden_layer_sizes must be > 0, got {sizes}.")
    return [int(size) for size in sizes]


def hidden_activations(given: str | Iterable[str], count: int) -> tuple[str, ...]:
    """The engine's name for each hidden layer's activation."""
    names = (given,) * count if isinstance(given, str) else tuple(given)
    if len(names) != count:
        raise ValueError(f"activation has {len(names)} names for {count} hidden layers; expected one name, or one each")
    return tuple("sigmoid" if name == "logistic" else name for name in names)


def last_activation(given: str | Iterable[str]) -> str:
    """The engine's name of the last hidden layer's activation; the one name for all stands even where there is none."""
    names = [given] if isinstance(given, str) else list(given)
    return hidden_activations(names[-1], 1)[0] if names else "identity"
