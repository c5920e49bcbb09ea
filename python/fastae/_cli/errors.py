"""Errors that end a command: one line on standard error and exit status 2."""

from __future__ import annotations

import sys
from typing import Any, cast

import typer
from typer.core import TyperGroup

USAGE_STATUS = 2
INTERRUPT_STATUS = 130

# The base of all of Typer's complaints about arguments. Typer has changed where it keeps that
# class, so it is found through the one of its children that has always been public.
_UsageError = cast("type[typer.BadParameter]", typer.BadParameter.__bases__[0])


class CliError(Exception):
    """Something that the user can put right; its message is one sentence saying how."""


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
            return super().invoke(ctx)
        except KeyboardInterrupt:
            print_note("interrupted")
            raise typer.Exit(INTERRUPT_STATUS) from None

    def main(self, *args: Any, **options: Any) -> Any:
        """Run the program and, when standing alone, exit with its status."""
        if not options.get("standalone_mode", True):
            return super().main(*args, **options)
        options["standalone_mode"] = False  # Typer then raises errors and leaves showing them
        try:
            status = super().main(*args, **options)
        except CliError as error:
            print_note(f"error: {error}")
            status = USAGE_STATUS
        except _UsageError as error:
            message = one_line(error.format_message()).removesuffix(".")
            command = error.ctx.command_path if error.ctx else "fastae"
            print_note(f"error: {message}; see '{command} --help'")
            status = USAGE_STATUS
        sys.exit(status)
