"""What several commands have in common: accounts and filters as options, and files that appear whole or not at all."""

from __future__ import annotations

import contextlib
import re
import sys
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from django.core.management.base import CommandError
from django.http import QueryDict

from accounts.models import NexmoAccount
from events.filters.form import EventFilter
from events.reading.filterable import PARAMETERS
from events.wording.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from django.core.management.base import CommandParser


def add_filter_arguments(parser: CommandParser) -> None:
    """Give a command an option for each filter."""
    for name, parameter in PARAMETERS.items():
        parser.add_argument(_option(name), dest=name, action="append", default=[], help=parameter.help)
    parse_known_args = parser.parse_known_args

    def parse(args: Any = None, namespace: Any = None) -> Any:
        return parse_known_args(_with_negated_values(sys.argv[1:] if args is None else args), namespace)

    parser.parse_known_args = parse  # type: ignore[method-assign]


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _with_negated_values(args: Sequence[Any]) -> list[Any]:
    """Arguments with `--source-ip -10.0.0.0/8` as `--source-ip=-10.0.0.0/8`: argparse takes a minus for an option's."""
    options = {_option(name) for name in PARAMETERS}
    joined: list[Any] = []
    for arg in args:
        if joined and joined[-1] in options and isinstance(arg, str) and re.fullmatch(r"-[^-].+", arg):
            joined[-1] = f"{joined[-1]}={arg}"
        else:
            joined.append(arg)
    return joined


def read_filter(options: dict[str, Any], reader: Any = None) -> EventFilter:
    """The filter that the options ask for, over all accounts, or those that `reader` may see.

    Raises:
        CommandError: naming each wrong value.
    """
    query = QueryDict(mutable=True)
    for name in PARAMETERS:
        if options[name]:
            query.setlist(name, options[name])
    everything = reader is None or NexmoAccount.objects.sees_all(reader)
    accounts = list(NexmoAccount.objects.all()) if reader is None else NexmoAccount.objects.list_visible_to(reader)
    event_filter = EventFilter(query, accounts=accounts, everything=everything, most_characters=None)
    if not event_filter.is_valid():
        wrong = (f"{_option(name)}: {' '.join(texts)}" for name, texts in event_filter.errors.items())
        raise CommandError(printable("Nothing was written. " + " ".join(wrong)))
    return event_filter


def choose_accounts(api_keys: list[str] | None) -> Any:
    """The accounts with these keys, or all when none is named, by name. Raises CommandError for an unknown key."""
    known = NexmoAccount.objects.order_by("name", "api_key")
    if not api_keys:
        return known
    missing = sorted(set(api_keys) - set(known.values_list("api_key", flat=True)))
    if missing:
        have = ", ".join(known.values_list("api_key", flat=True)[:20]) or "none"
        raise CommandError(printable(f"There is no account {', '.join(missing)}. Known accounts: {have}."))
    return known.filter(api_key__in=api_keys)


@contextlib.contextmanager
def written_whole(output: str) -> Iterator[IO[bytes]]:
    """A file to write, which takes its name only when all of it is there. Raises CommandError when it cannot be."""
    target = Path(output)
    if not target.name or target.is_dir():
        raise CommandError(printable(f"{target} is a directory; name a file in it."))
    partial = target.with_name(f"{target.name}.part")
    try:
        with partial.open("wb") as file:
            yield file
        partial.replace(target)
    except OSError as error:
        raise CommandError(printable(f"{target} cannot be written: {error.strerror}.")) from None
    finally:
        with contextlib.suppress(OSError):
            partial.unlink()
