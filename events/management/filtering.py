"""The filters of a list as options of a command."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.management.base import CommandError
from django.http import QueryDict

from accounts.models import NexmoAccount
from events.filters import EventFilter
from events.models import AuditEvent

if TYPE_CHECKING:
    from django.core.management.base import CommandParser

FILTERS = {
    "account": "Only this account (API key); repeatable.",
    "event_type": "Only this type; repeatable, or a comma list.",
    "search_text": "Only events that contain this text.",
    "date_from": "From this day or time on.",
    "date_to": "Up to this day or time, included.",
    "period": "today, 24h, 7d, 30d or 90d.",
    "user_email": "Only this user; repeatable, or a comma list.",
    "source": "Only this source, such as CD or DEVAPI.",
    "source_ip": "Only this address or network.",
    "source_country": "Only this country, such as GB.",
}


def add_filter_arguments(parser: CommandParser) -> None:
    """Give a command an option for each filter."""
    for name, text in FILTERS.items():
        parser.add_argument(f"--{name.replace('_', '-')}", dest=name, action="append", default=[], help=text)


def read_filter(options: dict[str, Any]) -> EventFilter:
    """The filter that the options ask for, over all accounts. Raises CommandError naming each wrong value."""
    query = QueryDict(mutable=True)
    for name in FILTERS:
        if options[name]:
            query.setlist(name, options[name])
    found = EventFilter(query, AuditEvent.objects.all(), accounts=list(NexmoAccount.objects.all()))
    if not found.form.is_valid():
        wrong = (f"--{name.replace('_', '-')}: {' '.join(texts)}" for name, texts in found.form.errors.items())
        raise CommandError("Nothing was exported. " + " ".join(wrong))
    return found
