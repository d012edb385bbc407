"""What only paper says: who printed it and when, of which filter, and up to when that is complete.

These words stand on every page, unseen until it is printed, so they are made without a template's steps.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import template
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
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
    """Who prints the page, when, in which zone it tells times, and where it is to be found."""
    request = context["request"]
    values = {"name": marked(context["user"].get_username()), "moment": show(timezone.now())}
    values["zone"] = timezone.get_current_timezone_name()
    printed = _("Printed by %(name)s at %(moment)s. Times in %(zone)s.") % values
    address = _("Address: %(address)s") % {"address": marked(request.build_absolute_uri())}
    return format_html("<span>{}</span> <small>{}</small>", SafeString(printed), SafeString(address))


@register.simple_tag(takes_context=True)
def sheet_words(context: Context) -> SafeString:
    """What stands above the table on every sheet, so that one alone tells whose events it shows, and which."""
    name = marked(context["user"].get_username())
    printed = _("Printed by %(name)s at %(moment)s.") % {"name": name, "moment": show(timezone.now())}
    words = (_subject(context, name), marked(context.get("coverage") or ""), printed)
    return SafeString(" ".join(filter(None, words)))


@register.simple_tag
def rows_words(rows: list[Any]) -> str:
    """Which of the events are on the page."""
    text = ngettext(
        "(printed: %(rows)s of them, of %(to)s)", "(printed: %(rows)s of them, from %(from)s to %(to)s)", len(rows)
    )
    first, last = sorted((rows[0].created_at, rows[-1].created_at))
    return text % {"rows": len(rows), "from": show(first), "to": show(last)}


def _subject(context: Context, name: str) -> str:
    if entity := context.get("entity"):
        return f"{entity.kind} {marked(entity.value)}."
    if "filter" not in context:  # a table of nobody's list
        return ""
    account = context.get("account")
    whose = f"{marked(account.name)}. " if account else ""
    return whose + _("Filter: %(conditions)s.") % {"conditions": _conditions(context, name)}


def _conditions(context: Context, name: str) -> str:
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
    return text % {"number": accounts, "name": name}
