"""Rows that cannot be read: what another program or a failing disk left in one must not hold up all others."""

from __future__ import annotations

from django.db import DataError, OperationalError

# What values raise that nobody here has written.
UNREADABLE = (ValueError, TypeError, AttributeError, RecursionError, ArithmeticError)


def is_of_the_row(error: Exception) -> bool:
    """Whether an error comes of what a row holds, such as an impossible date; not of a database that is away."""
    if isinstance(error, OperationalError):
        return "decode to UTF-8" in str(error)  # what SQLite says of text that is none
    return isinstance(error, DataError | ValueError | TypeError | ArithmeticError)
