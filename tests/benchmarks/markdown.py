"""Tables for the page."""

from __future__ import annotations

from collections.abc import Sequence


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table, with bars inside cells kept from ending them."""
    if not rows:
        return ""
    return "".join(line(cells) for cells in (head, ["---"] * len(head), *rows))


def line(cells: Sequence[str]) -> str:
    """One line of a table."""
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def ms(value: float) -> str:
    """Milliseconds, with no more digits than mean something."""
    return f"{value:,.0f}" if value >= 100 else f"{value:,.1f}" if value >= 10 else f"{value:,.2f}"
