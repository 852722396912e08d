"""How a subcommand says that it could not do its work, and how that is put on one line."""

from __future__ import annotations

import sys

EXIT_ERROR = 1
EXIT_INTERRUPTED = 130  # 128 + SIGINT, as shells report it


class CommandError(Exception):
    """The command ends with exit code 1 and this message, one line, on standard error."""


def say(message: str) -> None:
    """Say something on standard error, in the program's name."""
    print(f"bp-core: {message}", file=sys.stderr)


def one_line(error: BaseException) -> str:
    """What an error says, in a line and in the words of the command line."""
    if isinstance(error, OSError) and error.strerror:
        text = f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    elif isinstance(error, MemoryError):
        text = f"not enough memory: {error}"
    else:
        text = str(error) or type(error).__name__
    for python, option in _OPTIONS:
        text = text.replace(python, option)
    return " ".join(text.split())


_OPTIONS = (
    ("missing='impute'", "--missing impute"),
    ("name the column as categorical", "name the column in --categorical"),
    ("say task='classes'", "say --task classes"),
    ("leave it out", "leave it out by --without"),
)
"""What the library's messages advise, and the option that does it."""
