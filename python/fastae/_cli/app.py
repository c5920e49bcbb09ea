"""The program ``fastae``: its commands and its help."""

from __future__ import annotations

from typing import Annotated

import typer

from fastae._cli import commands_data, commands_model, commands_other
from fastae._cli.errors import OneLineGroup

_EPILOG = """
Exit status: 0 done, 1 a file or table is not as it should be (one line on standard error says
what), 2 the command line is not, 3 rows are flagged (with --fail-on-anomaly), 130 Ctrl-C,
141 nobody reads the output any more.
"""

app = typer.Typer(
    name="fastae",
    cls=OneLineGroup,
    help="Find the odd rows of a table with a deep autoencoder.",
    epilog=" ".join(_EPILOG.split()),
    context_settings={"help_option_names": ["-h", "--help"]},
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    add_completion=True,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"fastae {version('fastae')}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def _start(
    context: typer.Context,
    version: Annotated[  # noqa: ARG001
        bool,
        typer.Option("--version", help="Show the version.", callback=_print_version, is_eager=True),
    ] = False,
) -> None:
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


# In the order of --help: from a table to a decision and its reasons.
for command in (
    commands_data.train,
    commands_data.score,
    commands_data.detect,
    commands_model.explain,
    commands_model.features,
    commands_model.plot,
    commands_model.report,
    commands_model.export,
    commands_model.info,
    commands_other.demo,
    commands_other.bench,
):
    app.command()(command)
