"""Names that users give: looked up, with the nearest valid one in the error, or read, one for each thing."""

from collections.abc import Sequence
from typing import Any

from bp_core._wording import count

ALIASES = {
    "linear": "identity",
    "none": "identity",
    "logistic": "sigmoid",
    "swish": "silu",
    "leakyrelu": "leaky_relu",
    "bce": "binary_cross_entropy",
    "binary_crossentropy": "binary_cross_entropy",
    "log_loss": "cross_entropy",
    "crossentropy": "cross_entropy",
    "categorical_crossentropy": "cross_entropy",
    "sparse_categorical_crossentropy": "cross_entropy",
    "mean_squared_error": "mse",
    "squared_error": "half_squared_error",
    "mean_absolute_error": "mae",
    "l1": "mae",
    "pinball": "quantile",
    "logcosh": "log_cosh",
    "poisson_nll": "poisson",
    "exponential": "exp",
    "xavier": "glorot_uniform",
    "xavier_uniform": "glorot_uniform",
    "xavier_normal": "glorot_normal",
    "glorot": "glorot_uniform",
    "he": "he_uniform",
    "kaiming": "he_uniform",
    "lecun": "lecun_uniform",
    "gd": "sgd",
}
"""What other libraries call our names: only to suggest them."""


def nearest(name: str, known: Sequence[str]) -> str | None:
    """The known name that was probably meant."""
    alias = ALIASES.get(name.lower())
    if alias in known:
        return alias
    import difflib  # only where a name is wrong: it takes a while to load

    found = difflib.get_close_matches(name.lower(), known, n=1, cutoff=0.4)
    return found[0] if found else None


def look_up(kind: str, name: object, known: Sequence[str]) -> str:
    """Return ``name`` if it is known; else raise with the nearest known one."""
    if isinstance(name, str) and name in known:
        return name
    expected = f"expected one of {', '.join(known)}"
    if not isinstance(name, str):
        raise TypeError(f"{kind} is {name!r}; {expected}")
    meant = nearest(name, known)
    hint = f"did you mean {meant!r}? " if meant else ""
    raise ValueError(f"unknown {kind} {name!r}; {hint}{expected}")


def look_up_each(kind: str, names: object, count: int, known: Sequence[str], things: str) -> tuple[str, ...]:
    """One name for each of ``count`` things: from one name for all, or from a sequence of them."""
    if isinstance(names, str):
        return (look_up(kind, names, known),) * count
    if not isinstance(names, Sequence):
        raise TypeError(f"{kind} is {names!r}; expected one of {', '.join(known)}, or a sequence of {count} of them")
    if len(names) != count:
        raise ValueError(f"{kind} has {len(names)} names for {count} {things}; expected one name, or one each")
    return tuple(look_up(kind, name, known) for name in names)


def read_names(kind: str, given: object, n: int | None = None) -> tuple[str, ...] | None:
    """Return n names that differ, as text, or as many as there are; None where none are given."""
    if given is None:
        return None
    expected = "names" if n is None else count(n, "name")
    names = _in_order(given)
    if names is None:
        raise TypeError(f"{kind} is {given!r}; expected a sequence of {expected}")
    if n is not None and len(names) != n:
        raise ValueError(f"{kind} has {count(len(names), 'name')}; expected {expected}")
    if len(set(names)) != len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"{kind} has {twice!r} twice; expected names that differ")
    return names


def _in_order(given: Any) -> tuple[str, ...] | None:
    """The names of a sequence; None for what is none, or has no order."""
    if isinstance(given, (str, bytes, set, frozenset)):
        return None
    try:
        return tuple(map(str, given))
    except TypeError:
        return None


def given_input_names(given: object, X: object, n_in: int) -> tuple[str, ...] | None:
    """Names of the inputs: those given, else those of the columns of a data frame X; None where there are none."""
    columns = getattr(X, "columns", None)
    if columns is None and hasattr(X, "iloc"):
        columns = getattr(X, "index", None)  # one row of a data frame
    return read_names("input_names", given, n_in) or read_names("the header of X", columns, n_in)


def read_input_names(given: object, X: object, n_in: int) -> tuple[str, ...]:
    """Names of the inputs: those given, else those of the columns of a data frame X, else x1, x2, ..."""
    return given_input_names(given, X, n_in) or tuple(f"x{k + 1}" for k in range(n_in))
