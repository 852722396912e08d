"""Numbers and counts as sentences, tables and pictures write them."""


def three_digits(value: float, *, change: bool = False) -> str:
    """Return 1.25, 4 or 1e-05; a change has its sign and a decimal point: +3.0."""
    text = f"{value + 0.0:{'+' if change and value else ''}.3g}"
    return f"{text}.0" if change and not set(".en") & set(text) else text


def printed(text: str) -> str:
    """Return a text with the minus of printed numbers in place of the hyphen."""
    return text.replace("-", "\N{MINUS SIGN}")


def count(n: int, noun: str) -> str:
    """Return "1 row", "2 rows"."""
    return f"{n:,} {noun}{'s' * (n != 1)}"
