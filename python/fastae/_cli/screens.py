"""Tables and lines for people to read: as wide as the terminal, and never cut where that hurts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

# Of files and pipes, which have no edge.
_ENDLESS = 1 << 20
# Less of a name says nothing.
_LEAST = 6
_CUT = "…"


class Screen(Console):
    """A console for results, on standard output.

    Names of columns are shown as they are, whatever marks they hold. Files and pipes get lines as
    long as they come. A closed pipe is left to the caller, rather than to exit at once.

    Parameters
    ----------
    **options
        Of `rich.console.Console`.

    Attributes
    ----------
    is_endless : bool
        Whether lines may have any length.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(markup=False, highlight=False, emoji=False, **options)
        self.is_endless = not self.file.isatty()
        if self.is_endless:
            self.width = _ENDLESS

    def rule(self, title: Any = "", **options: Any) -> None:
        """Print a title with a line to the edge; without, where there is no room or no edge."""
        if self.is_endless or cell_len(str(title)) + 2 > self.width:
            self.print(f"── {title}", style=options.get("style"), soft_wrap=True)
        else:
            super().rule(title, **options)

    def on_broken_pipe(self) -> None:
        """Raise BrokenPipeError."""
        raise BrokenPipeError


def table_of(*columns: str) -> Table:
    """Return a table without rows, whose cells stand at the right."""
    table = Table(box=box.SIMPLE_HEAD, show_edge=False)
    for column in columns:
        table.add_column(column, justify="right", no_wrap=True)
    return table


def print_table(console: Console, title: str, table: Table) -> None:
    """Print a table below its title.

    One that is too wide loses the space between its columns first. If that does not suffice, its
    lines go beyond the edge, where the terminal breaks them: no figure is cut.
    """
    # Not as the table's own title, which would be broken to the table's width.
    console.print(title, style="bold", highlight=False, markup=False, soft_wrap=True)
    if _natural_width(table) > console.width:
        table.padding = 0
        if _natural_width(table) > console.width:
            table.width = _natural_width(table)
    console.print(table, crop=False)
    console.print()


def print_cut(
    console: Screen,
    title: str,
    names: Sequence[str],
    rows: Sequence[tuple[Sequence[str], str | None]],
    flexible: Sequence[int],
) -> None:
    """Print a table, some of whose columns may be cut, in the middle, to fit the terminal.

    Parameters
    ----------
    console : Screen
    title : str
        Stands above.
    names : sequence of str
        Of the columns.
    rows : sequence of tuple
        Cells, and the style of the row.
    flexible : sequence of int
        Which columns may be cut; the others never are.
    """
    table = table_of(*names)
    columns = zip(names, *(cells for cells, _ in rows), strict=True)
    widths = [max(map(cell_len, column)) for column in columns]
    if not console.is_endless:
        spaces = 3 * len(names) - 1
        if sum(widths) + spaces > console.width:
            table.padding, spaces = 0, len(names) - 1
        fixed = sum(width for j, width in enumerate(widths) if j not in flexible)
        room = console.width - fixed - spaces
        cut_to = dict(zip(flexible, fitted([widths[j] for j in flexible], room), strict=True))
        # A column is never narrower than its name.
        widths = [
            max(cut_to.get(j, width), cell_len(name))
            for j, (name, width) in enumerate(zip(names, widths, strict=True))
        ]
    for cells, style in rows:
        table.add_row(*map(shortened, cells, widths), style=style)
    print_table(console, title, table)


def fitted(widths: Sequence[int], room: int) -> list[int]:
    """Return widths whose sum is at most `room`: the widest are cut, to the same width.

    None becomes less than a few letters, whatever the room.

    Examples
    --------
    >>> from fastae._cli.screens import fitted
    >>> fitted([4, 30, 20], 30)
    [4, 13, 13]
    """
    limit = max(widths)
    while limit > _LEAST and sum(min(width, limit) for width in widths) > room:
        limit -= 1
    return [min(width, limit) for width in widths]


def shortened(text: str, width: int) -> str:
    """Return a text of so many columns of the terminal at most, cut in its middle.

    Examples
    --------
    >>> from fastae._cli.screens import shortened
    >>> shortened("freight per kilogram", 12)
    'freigh…ogram'
    """
    if cell_len(text) <= width:
        return text
    tail = (width - 1) // 2
    return _taken(text, width - 1 - tail) + _CUT + _taken(text[::-1], tail)[::-1]


def visible(text: str) -> str:
    r"""Return a text on one line: line ends and the like as what programmers write for them.

    Examples
    --------
    >>> from fastae._cli.screens import visible
    >>> print(visible("net\nweight"))
    net\nweight
    """
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _taken(text: Iterable[str], width: int) -> str:
    taken = ""
    for letter in text:
        if cell_len(taken + letter) > width:
            break
        taken += letter
    return taken


def _natural_width(table: Table) -> int:
    """Return how wide a table is if nothing is cut: by its cells, and the space about them."""
    cells = sum(
        max(cell_len(str(cell)) for cell in (column.header, *column.cells))
        for column in table.columns
    )
    _, right, _, left = table.padding
    return cells + len(table.columns) * (left + right + 1) - 1
