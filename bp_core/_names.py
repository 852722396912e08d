"""Names that users give: looked up, with the nearest valid one in the error."""

import difflib
from collections.abc import Sequence


def look_up(kind: str, name: object, known: Sequence[str]) -> str:
    """Return ``name`` if it is known; else raise with the nearest known one."""
    if isinstance(name, str) and name in known:
        return name
    expected = f"expected one of {', '.join(known)}"
    if not isinstance(name, str):
        raise TypeError(f"{kind} is {name!r}; {expected}")
    nearest = difflib.get_close_matches(name.lower(), known, n=1, cutoff=0.4)
    hint = f"did you mean {nearest[0]!r}? " if nearest else ""
    raise ValueError(f"unknown {kind} {name!r}; {hint}{expected}")


def look_up_each(kind: str, names: object, count: int, known: Sequence[str], things: str) -> tuple[str, ...]:
    """One name for each of ``count`` things: from one name for all, or from a sequence of them."""
    if isinstance(names, str):
        return (look_up(kind, names, known),) * count
    if not isinstance(names, Sequence):
        raise TypeError(f"{kind} is {names!r}; expected a name or a sequence of {count} names")
    if len(names) != count:
        raise ValueError(f"{kind} has {len(names)} names for {count} {things}; expected one name, or one each")
    return tuple(look_up(kind, name, known) for name in names)
