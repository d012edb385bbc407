"""One event."""

from __future__ import annotations

from datetime import timedelta
from functools import cache, partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.safestring import mark_safe
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers
from django_countries import countries

from accounts.models import NexmoAccount
from events.detection.findings.marks import findings_of
from events.detection.firsts import first_in_words
from events.display.cells import country_name, narrows
from events.entities.entity import entities, key_of
from events.entities.lookup import elsewhere
from events.fields import readable
from events.filters.query_string import with_params
from events.masking import for_reader, may_hide, shown
from events.models import EventType
from events.nexmo.applications import ABOUT_TYPES, nameless_application
from events.nexmo.catalog import family
from events.nexmo.values import CAPPED, read_address
from events.reading import Cursor, read_page
from events.reading.applications import nameless, names_for, names_of
from events.views.scope import filtered_events, visible_account, visible_accounts, visible_events
from events.wording.changes import changes_behind
from events.wording.codes import family_title, type_words
from events.wording.json_layout import pretty
from events.wording.plausible import latest_plausible
from events.wording.sentences import sentence
from events.wording.times import show

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from events.entities.lookup import Elsewhere
    from events.models import AuditEvent
    from events.reading import Row
    from events.reading.applications import Names

BASES = {
    "fetched": gettext_lazy("Nexmo sent no readable time; this is when the event was fetched."),
    CAPPED: gettext_lazy("Nexmo sent a later time, beyond the supported range."),
}
OF_FIELDS = ("user", "ip")  # those whose values stand among the event's fields, and lead on from there
AROUND = (
    (gettext_lazy("10 minutes"), timedelta(minutes=10)),
    (gettext_lazy("1 hour"), timedelta(hours=1)),
    (gettext_lazy("24 hours"), timedelta(hours=24)),
)


@require_safe
def find(request: HttpRequest, event_id: str) -> HttpResponse:
    """An event by its id alone: goes to it, or asks which where several accounts have one of that id."""
    needed = ("event_id", "event_type", "created_at", "account__name", "account__api_key")  # above all no secret
    events = visible_events(request).with_id(event_id).select_related("account").only(*needed)
    matches = list(events.newest_first()[:50])
    if not matches:
        raise Http404
    if len(matches) == 1:
        return redirect(matches[0])
    return render(request, "events/which.html", {"event_id": event_id, "events": matches})


@require_safe
@vary_on_headers("HX-Request")
def event_page(request: HttpRequest, api_key: str, event_id: str) -> HttpResponse:
    """Everything about one event, and how it came here; to htmx, what stands beside the table."""
    account = visible_account(request, api_key)
    events = visible_events(request).filter(account=account).with_id(event_id)
    event: AuditEvent = get_object_or_404(events.select_related("run__requested_by"))
    event.account = account
    sees_sensitive = cache(partial(NexmoAccount.objects.sees_sensitive, request.user))
    if may_hide([getattr(event, name) for name in event.TEXTS]) and not sees_sensitive():
        event.mask_texts()
    listed = EventType.objects.filter(code=event.event_type).values_list("description", flat=True).first()
    slug = family(event.event_type)[0]
    others = {other.pk: other for other in visible_accounts(request) if other.pk != account.pk}
    about = entities(event)
    others_mentions = elsewhere(about, tuple(others))
    named_elsewhere = names_for(row for mentions in others_mentions for row in mentions.rows)
    at = str(Cursor(event.created_at, event.pk))
    received = partial(for_reader, sees_sensitive=sees_sensitive)
    raw = received(event.raw)
    real = readable(event.context)
    details = real if raw is event.raw else event.readable_context
    names = names_of((account.pk, key_of(each.value)) for each in about if each.slug == "application")
    return render(
        request,
        "events/panel.html" if request.headers.get("HX-Request") else "events/event.html",
        {
            "event": event,
            "account": account,
            "description": type_words(event.event_type, event.event_type_description or listed or "")
            or _("Event without type"),
            "family": slug,
            "family_title": family_title(slug),
            "when": show(event.created_at),
            "basis": BASES.get(event.created_at_basis)
            or (
                _("As sent, with offset %(offset)s.") % {"offset": event.created_at_basis}
                if event.created_at_basis.startswith(("+", "-", "Z"))
                else _("Nexmo's times have no zone; read as %(zone)s.") % {"zone": event.created_at_basis}
            ),
            "in_future": event.created_at > latest_plausible(),
            "country": _country(event.source_country),
            "address": request.get_full_path(),
            "findings": findings_of(event.pk),
            "odd_fields": [name for name in event.odd_fields.split(",") if name],
            "raw": pretty(raw),
            "details": details,
            "is_masked": raw is not event.raw,
            "discrepancies": event.discrepancies.all(),
            "may_check": NexmoAccount.objects.syncable_by(request.user).filter(pk=account.pk).exists(),
            "sentence": mark_safe(_sentence(event, names)),  # noqa: S308 - escaped there
            "changes": changes_behind(real, details),
            "pages": {entity.slug: entity.get_absolute_url() for entity in about if entity.slug in OF_FIELDS},
            "entities": [
                (entity, entity.get_absolute_url(), names.get((account.pk, key_of(entity.value)), ""))
                for entity in about
                if entity.slug not in OF_FIELDS
            ],
            "called": {
                key_of(entity.value): (name, entity.get_absolute_url())
                for entity in about
                if entity.slug == "application" and (name := names.get((account.pk, key_of(entity.value)), ""))
            },
            "sessions": {entity.slug: f"{entity.session_url}?at={at}" for entity in about if entity.session_url},
            "lists": _lists(event),
            "around": [(title, _around(event, span)) for title, span in AROUND],
            "first": first_in_words(event),
            "neighbours": _neighbours(request, event),
            "elsewhere": [
                (
                    mentions,
                    _elsewhere_address(mentions, account),
                    [_place(row, others[row.account_id], named_elsewhere) for row in mentions.rows],
                )
                for mentions in others_mentions
            ],
            "conflicts": [(conflict, pretty(received(conflict.raw))) for conflict in event.conflicts.all()],
        },
    )


def _country(code: str) -> str:
    """The country's flag and name, as HTML; "" where the code means none."""
    return mark_safe(country_name(code, get_language())) if countries.name(code) else ""  # noqa: S308 - escaped there


def _lists(event: AuditEvent) -> dict[str, str]:
    """The lists of the events of its user and of its address, by parameter, where the filter takes them."""
    address = read_address(event.source_ip)  # the one that it is found by: it may be of a list, or have a port
    asked = {"user_email": event.user_email, "source_ip": str(address or "")}
    url = reverse("events:list")
    return {name: f"{url}?{urlencode({name: value})}" for name, value in asked.items() if narrows(name, value)}


def _around(event: AuditEvent, span: timedelta) -> str:
    """The events of all accounts around it, with itself open beside them."""
    first, last = event.created_at - span, event.created_at + span
    query = urlencode({"date_from": first.isoformat(), "date_to": last.isoformat()})
    return f"{reverse('events:list')}?{query}#{event.get_absolute_url()}"


def _neighbours(request: HttpRequest, event: AuditEvent) -> dict[str, str]:
    """The next newer and older event of the filter that the page was opened from, or of all that are visible."""
    event_filter = filtered_events(request)
    if not event_filter.form.is_valid():
        return {}
    cursor = Cursor(event.created_at, event.pk)
    query = with_params(request.GET) if request.GET else ""
    links = {}
    for name, page in (
        ("newer", read_page(event_filter.conditions, 1, after=cursor)),
        ("older", read_page(event_filter.conditions, 1, before=cursor)),
    ):
        # Of an account made since the accounts were read there is nothing to link to yet.
        if page.rows and (account := event_filter.accounts_by_pk.get(page.rows[0].account_id)):
            links[name] = _address(page.rows[0], account) + query
    links["list"] = reverse("events:list") + query
    return links


def _sentence(event: AuditEvent, names: Names) -> str:
    context = event.readable_context
    app = nameless_application(context) if event.event_type in ABOUT_TYPES else ""
    return sentence(event.event_type, context, names.get((event.account_id, app), ""))


def _place(row: Row, account: NexmoAccount, names: Names) -> dict[str, Any]:
    """A line about an event of another account."""
    app = names.get((row.account_id, nameless(row.event_type, row.context)), "")
    words = sentence(row.event_type, shown(row.context), app)
    return {
        "account": account,
        "href": _address(row, account),
        "when": show(row.created_at),
        "title": mark_safe(words) if words else row.event_type_description or row.event_type,  # noqa: S308 - escaped there
    }


def _address(row: Row, account: NexmoAccount) -> str:
    return reverse("events:event", args=[account.api_key, row.event_id])


def _elsewhere_address(mentions: Elsewhere, account: NexmoAccount) -> str:
    if not mentions.entity.is_looked_up:  # the list would show whatever contains its digits
        return mentions.entity.get_absolute_url()
    return reverse("events:list") + "?" + urlencode({**mentions.entity.params, "account": f"-{account.api_key}"})
