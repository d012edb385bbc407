"""What only paper says: who printed it and when, of which filter, and up to when that is complete.

These words stand on every page, unseen until it is printed, so they are made without a template's steps.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import template
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from events.wording.marking import marked
from events.wording.times import show

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.template.context import Context

register = template.Library()


@register.simple_tag(takes_context=True)
def printed_by(context: Context) -> SafeString:
    """Who prints the page, when, in which zone it tells times, and where it is to be found; of a list also which events
    it shows, and up to when it is complete. It stands on every sheet, so that one alone tells all that."""
    request = context["request"]
    values = {"name": marked(context["user"].get_username()), "moment": show(timezone.now())}
    values["zone"] = timezone.get_current_timezone_name()
    printed = _("Printed by %(name)s at %(moment)s. Times in %(zone)s.") % values
    address = _("Address: %(address)s") % {"address": marked(request.build_absolute_uri())}
    shown = filter(None, (_subject(context), marked(context.get("coverage") or "")))
    parts = (f"<span>{printed}</span>", f"<small>{address}</small>", f"<em>{' '.join(shown)}</em>")
    return SafeString(" ".join(parts))


@register.simple_tag
def rows_words(rows: list[Any]) -> str:
    """Which of the events are on the page."""
    text = ngettext(
        "(printed: %(rows)s of them, of %(to)s)", "(printed: %(rows)s of them, from %(from)s to %(to)s)", len(rows)
    )
    first, last = sorted((rows[0].created_at, rows[-1].created_at))
    return text % {"rows": len(rows), "from": show(first), "to": show(last)}


def _subject(context: Context) -> str:
    if said := context.get("subject"):  # the page says it itself
        return marked(said)
    if entity := context.get("entity"):
        name = f"{marked(context['name'])} " if context.get("name") else ""
        return f"{capfirst(str(entity.kind))} {name}{marked(entity.value)}."
    if actor := context.get("actor"):
        return _("Session of %(name)s.") % {"name": marked(actor.value)}
    if "table" not in context:
        return ""
    account = context.get("account")
    whose = f"{marked(account.name)}. " if account else ""
    return whose + _("Filter: %(conditions)s.") % {"conditions": _conditions(context)}


def _conditions(context: Context) -> str:
    pills: Iterable[Any] = context.get("pills") or ()
    if pills:
        return "; ".join(f"{marked(pill.label)} {marked(pill.verb)} {marked(pill.value)}" for pill in pills)
    if context.get("account"):
        return _("none, all events of this account")
    accounts = len(context["filter"].accounts)
    text = ngettext(
        "none, all events of the account visible to %(name)s",
        "none, all events of the %(number)s accounts visible to %(name)s",
        accounts,
    )
    return text % {"number": accounts, "name": marked(context["user"].get_username())}
