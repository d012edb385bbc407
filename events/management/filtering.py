"""What several commands have in common: accounts and filters as options, and files that appear whole or not at all."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from django.core.management.base import CommandError
from django.http import QueryDict

from accounts.models import NexmoAccount
from events.filters.form import EventFilter
from events.reading.dimensions import PARAMETERS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.core.management.base import CommandParser


def add_filter_arguments(parser: CommandParser) -> None:
    """Give a command an option for each filter."""
    for name, parameter in PARAMETERS.items():
        option = f"--{name.replace('_', '-')}"
        parser.add_argument(option, dest=name, action="append", default=[], help=parameter.help)


def read_filter(options: dict[str, Any]) -> EventFilter:
    """The filter that the options ask for, over all accounts. Raises CommandError naming each wrong value."""
    query = QueryDict(mutable=True)
    for name in PARAMETERS:
        if options[name]:
            query.setlist(name, options[name])
    found = EventFilter(query, accounts=list(NexmoAccount.objects.all()), everything=True)
    if not found.form.is_valid():
        wrong = (f"--{name.replace('_', '-')}: {' '.join(texts)}" for name, texts in found.form.errors.items())
        raise CommandError("Nothing was exported. " + " ".join(wrong))
    return found


def choose_accounts(api_keys: list[str] | None) -> Any:
    """The accounts with these keys, or all when none is named, by name. Raises CommandError for an unknown key."""
    known = NexmoAccount.objects.order_by("name", "api_key")
    if not api_keys:
        return known
    missing = sorted(set(api_keys) - set(known.values_list("api_key", flat=True)))
    if missing:
        have = ", ".join(known.values_list("api_key", flat=True)[:20]) or "none"
        raise CommandError(f"There is no account {', '.join(missing)}. Known accounts: {have}.")
    return known.filter(api_key__in=api_keys)


@contextlib.contextmanager
def written_whole(output: str) -> Iterator[IO[bytes]]:
    """A file to write, which takes its name only when all of it is there. Raises CommandError when it cannot be."""
    target = Path(output)
    if not target.name or target.is_dir():
        raise CommandError(f"{target} is a directory; name a file in it.")
    partial = target.with_name(f"{target.name}.part")
    try:
        with partial.open("wb") as file:
            yield file
        partial.replace(target)
    except OSError as error:
        raise CommandError(f"{target} cannot be written: {error.strerror}.") from None
    finally:
        with contextlib.suppress(OSError):
            partial.unlink()
