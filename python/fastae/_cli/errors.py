"""How a command ends: exit statuses, and errors as one line on standard error."""

from __future__ import annotations

import os
import re
import sys
from typing import Any, cast

import typer
from typer.core import TyperGroup

# What a shell sees; fastae --help and docs/command-line.md list them.
ERROR_STATUS = 1
USAGE_STATUS = 2
FLAGGED_STATUS = 3
INTERRUPT_STATUS = 130
BROKEN_PIPE_STATUS = 141

# The base of all of Typer's complaints about arguments. Typer has changed where it keeps that
# class, so it is found through the one of its children that has always been public.
_UsageError = cast("type[typer.BadParameter]", typer.BadParameter.__bases__[0])


# What Typer's versions say of a value, and what is said here.
_WORDS = (
    (r"Value error, ", ""),
    (r"Input should be a valid integer\b.*", "it must be a whole number"),
    (r"Input should be a valid number\b.*", "it must be a number"),
    (r"Input should be greater than or equal to (\S+)", r"it must be \1 or more"),
    (r"Input should be less than or equal to (\S+)", r"it must be \1 or less"),
    (r"\. Did you mean (.*)\?$", r" (did you mean \1?)"),
)


class CliError(Exception):
    """Something that the user can put right; its message is one sentence saying how."""

    status = ERROR_STATUS


class UsageError(CliError):
    """The same where the command line itself is wrong, whatever the files hold.

    Attributes
    ----------
    command : str
        Which one it is about, as it was typed; its help is pointed to.
    """

    status = USAGE_STATUS
    command = "fastae"


def one_line(message: object) -> str:
    """Return a message with all its white space, line ends included, collapsed."""
    return " ".join(str(message).split())


def os_reason(error: OSError) -> str:
    """Return what the operating system said, without the number and the path."""
    return (error.strerror or str(error)).lower()


def print_note(message: str) -> None:
    """Print one line on standard error."""
    typer.echo(f"fastae: {' '.join(message.splitlines())}", err=True)


class OneLineGroup(TyperGroup):
    """A command group that reports every error in one line, not in a box with the usage."""

    def invoke(self, ctx: Any) -> Any:
        """Run the chosen command; Ctrl-C ends it with one line and the shell's status for it."""
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
            return result
        except KeyboardInterrupt:
            print_note("interrupted")
            raise typer.Exit(INTERRUPT_STATUS) from None
        except UsageError as error:
            error.command = f"{ctx.command_path} {ctx.invoked_subcommand}"
            raise
        except BrokenPipeError:  # here, since Typer would take it for an error
            _forget_output()
            raise typer.Exit(BROKEN_PIPE_STATUS) from None

    def main(self, *args: Any, **options: Any) -> Any:
        """Run the program and, when standing alone, exit with its status."""
        if not options.get("standalone_mode", True):
            return super().main(*args, **options)
        options["standalone_mode"] = False  # Typer then raises errors and leaves showing them
        try:
            status = super().main(*args, **options)
        except UsageError as error:
            status = _fail_usage(str(error), error.command)
        except CliError as error:
            print_note(f"error: {error}")
            status = error.status
        except _UsageError as error:
            message = one_line(error.format_message()).removesuffix(".")
            for theirs, ours in _WORDS:
                message = re.sub(theirs, ours, message)
            status = _fail_usage(message, error.ctx.command_path if error.ctx else "fastae")
        sys.exit(status)


def _fail_usage(message: str, command: str) -> int:
    print_note(f"error: {message}; see '{command} --help'")
    return USAGE_STATUS


def _forget_output() -> None:
    """Let Python's last flush of a closed standard output go nowhere rather than complain."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError):  # not a file, as under a test runner
        sys.stdout = open(os.devnull, "w")  # noqa: PTH123, SIM115
