"""The table of events: one declaration for the page, with cells prepared as text once per row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import django_tables2 as tables
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from events.models import AuditEvent
from events.nexmo.catalog import EVENT_TYPES, SOURCES, family
from events.summary import summarise

if TYPE_CHECKING:
    from collections.abc import Iterator

NOTHING = mark_safe('<span class="none">–</span>')  # noqa: S308 - a constant


class EventTable(tables.Table):
    """Events newest first. Every `render_` takes the row and returns escaped HTML."""

    when = tables.Column(verbose_name="When", orderable=False)
    account = tables.Column(verbose_name="Account", orderable=False)
    what = tables.Column(verbose_name="What", orderable=False)
    who = tables.Column(verbose_name="Who", orderable=False)
    source = tables.Column(verbose_name="Source", orderable=False)
    origin = tables.Column(verbose_name="From", orderable=False)
    summary = tables.Column(verbose_name="Details", orderable=False)

    class Meta:
        template_name = "events/table.html"
        attrs = {"id": "events"}

    def __init__(self, data: Any, *, descriptions: dict[str, str] | None = None, **kwargs: Any) -> None:
        """`descriptions`: what types mean, for events that do not say so themselves."""
        super().__init__(data, **kwargs)
        self.descriptions = descriptions or EVENT_TYPES

    def lines(self) -> Iterator[tuple[AuditEvent, list[tuple[str, str, SafeString]]]]:
        """Each event with its cells as (name, title, HTML).

        The rows of django-tables2 look at every cell's signature and attributes; at 50 rows that costs more than
        the query, so the cells are rendered here, directly.
        """
        columns = [(column.name, str(column.header), getattr(self, f"render_{column.name}")) for column in self.columns]
        for record in self.data:
            yield record, [(name, title, render(record)) for name, title, render in columns]

    def render_when(self, record: AuditEvent) -> SafeString:
        at = timezone.localtime(record.created_at)
        doubt = (
            ""
            if record.created_at_basis != "fetched"
            else mark_safe(' <abbr title="Nexmo sent no readable time; this is when the event was fetched.">≈</abbr>')
        )
        return format_html(
            '<a class="when" href="{}"><time datetime="{}">{} <b>{}</b></time> <small>{}</small></a>{}',
            _address(record),
            at.isoformat(),
            at.strftime("%Y-%m-%d"),
            at.strftime("%H:%M:%S"),
            at.strftime("%Z"),
            doubt,
        )

    def render_account(self, record: AuditEvent) -> SafeString:
        return format_html('<span title="API key {}">{}</span>', record.account.api_key, record.account.name)

    def render_what(self, record: AuditEvent) -> SafeString:
        slug, _ = family(record.event_type)
        description = record.event_type_description or self.descriptions.get(record.event_type) or "Event without type"
        return format_html(
            '<a class="what {}" href="{}">{}</a> <code>{}</code>',
            f"family-{slug}",
            _address(record),
            description,
            record.event_type or "–",
        )

    def render_who(self, record: AuditEvent) -> SafeString:
        if record.user_email:
            name, at, domain = record.user_email.rpartition("@")
            return format_html("{}{}<wbr>{}", name, at, domain)  # a long address breaks here, not within a word
        return format_html("user {}", record.user_id) if record.user_id else NOTHING

    def render_source(self, record: AuditEvent) -> SafeString:
        if not record.source:
            return NOTHING
        return format_html(
            '<span title="{}">{}</span>',
            f"{record.source} {record.source_description}".strip(),
            SOURCES.get(record.source) or record.source_description or record.source,
        )

    def render_origin(self, record: AuditEvent) -> SafeString:
        if not record.source_ip and not record.source_country:
            return NOTHING
        country = (
            format_html('<span class="country">{}</span> ', record.source_country) if record.source_country else ""
        )
        return format_html("{}<code>{}</code>", country, record.source_ip)

    def render_summary(self, record: AuditEvent) -> SafeString:
        text = summarise(record.context)
        odd = mark_safe(' <span class="tag odd">odd</span>') if record.odd_fields else ""
        return format_html('<span class="line">{}</span>{}', text, odd) if text or odd else NOTHING


def _address(record: AuditEvent) -> str:
    return reverse("events:event", args=[record.account.api_key, record.event_id])


def with_params(params: Any, **changes: str | None) -> str:
    """A query string with some parameters replaced (None removes one), the rest as it is."""
    query = params.copy()
    for name, value in changes.items():
        query.pop(name, None)
        if value is not None:
            query[name] = value
    return "?" + query.urlencode() if query else "?" + urlencode({})
