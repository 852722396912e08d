"""How a subcommand says that it could not do its work."""


class CommandError(Exception):
    """The command ends with exit code 1 and this message, one line, on standard error."""
