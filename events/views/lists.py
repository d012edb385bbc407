"""Tables of events: merged over all accounts, and of one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib.humanize.templatetags.humanize import intcomma
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from accounts.models import Profile, profile_of
from events.display.event_table import ALWAYS, EventTable, page_columns
from events.display.forms import shown_columns
from events.display.page_size import SIZES, read_size
from events.export.files import FILES
from events.filters import form_html
from events.filters.fields import unsigned
from events.filters.names import did_you_mean
from events.filters.parameters import PAGE_PARAMS, unknown
from events.filters.pills import pills
from events.filters.query_string import with_params
from events.filters.saved import account_menu, menu
from events.health.status import statuses
from events.models import MonthCount
from events.nexmo.catalog import SOURCES
from events.reading import BadCursor, Count, Cursor, Page, count, read_page
from events.reading.conditions import Conditions
from events.sync.coverage import completeness
from events.views.scope import filtered_events, visible_account
from events.wording.codes import source_codes, source_title
from events.wording.times import offset, show

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.http import HttpRequest, HttpResponse

    from accounts.models import NexmoAccount
    from events.filters.form import EventFilter
    from events.health.status import AccountStatus
    from events.sync.coverage import Completeness

LOGINS = {"USER_LOGIN", "USER_LOGOUT"}
NAMED = 3  # accounts of which a sentence says the names


@require_safe
def merged(request: HttpRequest) -> HttpResponse:
    """The events of all accounts the reader may see."""
    return _event_list(request, None)


@require_safe
def one_account(request: HttpRequest, api_key: str) -> HttpResponse:
    """The events of one account."""
    return _event_list(request, visible_account(request, api_key))


def _event_list(request: HttpRequest, account: NexmoAccount | None) -> HttpResponse:
    found = filtered_events(request, account)
    size, size_note = read_size(request.GET)
    page, page_error = _read_page(request, found, size)
    accounts = list(found.accounts.values())
    profile = profile_of(request.user)
    context: dict[str, Any] = {
        "account": account,
        "filter": found,
        "form": found.form,
        "filter_html": form_html.draw(found, one_account=account is not None, sizes=sorted({*SIZES, size}), size=size),
        "page": page,
        "page_error": page_error,
        "table": EventTable(
            page.rows,
            accounts=accounts,
            descriptions=found.type_descriptions,
            shown=[name for name in shown_columns(profile) if not (account and name == "account")],
            now=timezone.now() if profile.times == Profile.Times.RELATIVE else None,
            params=found.data,
            density=profile.density,
            words=found.marked if found.conditions.text else None,
        ),
        "profile": profile,
        "display": _display(profile),
        "news": _news(request, account, page) if found.form.is_valid() else "",
        "size_note": size_note,
        "unknown": unknown(request.GET),
        "exports": [(title, _same_events(request, account, "export", kind)) for title, kind in FILES],
        "export_page": _same_events(request, account, "export_page"),
        "evidence": _same_events(request, account, "evidence"),
        "summary": _same_events(request, account, "summary"),
        "pills": pills(found),
        "views": account_menu(found.data, account.api_key, readable=found.form.is_valid())
        if account
        else menu(request.user, found.data, readable=found.form.is_valid()),
        "links": page_links(request, page),
        "list_url": request.path,
    }
    asked = found.conditions.accounts
    known = completeness([each for each in accounts if asked is None or each.pk in asked] or accounts)
    context["logins"] = _about_logins(found, known)
    context["sources"] = _about_sources(found)
    context["count"] = counted = _count(found, page, known)
    context["count_shown"] = intcomma(counted.number) + ("+" if counted.at_least else "")
    context["coverage"] = coverage_sentence(known)
    if not page.rows:
        context["statuses"] = statuses(accounts, worker_alive=True)
    context["empty"] = _why_empty(request, found, context) if not page.rows and not page_error else ""
    context["searched_to"] = show(page.searched_back_to or page.searched_up_to)
    return render(request, "events/list.html", context)


def _read_page(request: HttpRequest, found: EventFilter, size: int) -> tuple[Page, str]:
    before, after = (request.GET.get(name) for name in PAGE_PARAMS)
    try:
        return read_page(
            found.conditions,
            size,
            before=Cursor.parse(before) if before else None,
            after=Cursor.parse(after) if after and not before else None,
        ), ""
    except BadCursor as error:
        return Page([]), str(error)


def _display(profile: Profile) -> dict[str, Any]:
    """What the table's menu offers, and what of it is chosen."""
    shown = shown_columns(profile)
    now = timezone.now()
    return {
        "columns": [(name, title, name in shown) for name, title in page_columns().items() if name not in ALWAYS],
        "densities": Profile.Density.choices,
        "times": Profile.Times.choices,
        "zone": str(profile.own_zone),
        "offset": offset(now.astimezone(profile.own_zone)),
    }


def _news(request: HttpRequest, account: NexmoAccount | None, page: Page) -> str:
    """Where to ask for events that arrive while this page is read: only the newest page has such."""
    if any(request.GET.get(name) for name in PAGE_PARAMS) or page.searched_back_to:
        return ""
    first = page.rows[0] if page.rows else None
    since = str(Cursor(first.created_at, first.pk)) if first else None
    query = with_params(request.GET, **dict.fromkeys((*PAGE_PARAMS,)), since=since)
    return (reverse("events:account_news", args=[account.api_key]) if account else reverse("events:news")) + query


def _count(found: EventFilter, page: Page, known: list[Completeness]) -> Count:
    """How many events match, as far as that can be told at once."""
    if found.conditions.is_empty:
        return Count(0)
    if page.total is not None:
        return Count(page.total)
    if not page.newer and not page.older:
        return Count(len(page.rows))
    if not found.active:
        return Count(sum(each.event_count for each in known))
    return count(found.conditions, shown=len(page.rows))


def page_links(request: HttpRequest, page: Page) -> dict[str, str]:
    """The neighbouring pages; an empty text where there is none."""
    clear: dict[str, str | None] = dict.fromkeys(PAGE_PARAMS)
    return {
        "newer": with_params(request.GET, **(clear | {"after": str(page.newer)})) if page.newer else "",
        "older": with_params(request.GET, **(clear | {"before": str(page.older)})) if page.older else "",
        "newest": with_params(request.GET, **clear),
        "everything": request.path,
    }


def _same_events(request: HttpRequest, account: NexmoAccount | None, name: str, *args: str) -> str:
    """Another page about the events of this filter; each stands beside its twin for one account."""
    query = with_params(request.GET, **dict.fromkeys((*PAGE_PARAMS, "size")))
    if account:
        return reverse(f"events:account_{name}", args=[account.api_key, *args]) + query
    return reverse(f"events:{name}", args=args) + query


def _about_logins(found: EventFilter, known: list[Completeness]) -> str:
    """Where logins are asked for: which accounts report none at all, because Nexmo tells only some of them."""
    if not set(found.active.get("event_type") or ()) & LOGINS:
        return ""
    silent = [each for each in known if each.event_count]
    logins = MonthCount.objects.filter(account__in=[status.account.pk for status in silent], event_type="USER_LOGIN")
    reporting = set(logins.values_list("account", flat=True))
    names = [status.account.name for status in silent if status.account.pk not in reporting]
    if not names:
        return ""
    told = _("No login was ever reported for %(accounts)s: Nexmo tells logins only to accounts with Premium Support.")
    return told % {"accounts": ", ".join(names)}


def _about_sources(found: EventFilter) -> str:
    """Which source may be meant instead of one that Nexmo does not document, and that no event has."""
    names = [name for code, title in SOURCES.items() for name in (source_title(code), title, code)]
    for item in found.active.get("source") or ():
        source = unsigned(item)[1]
        near = "" if source.lower() in source_codes() else did_you_mean(source, names)
        if near and not read_page(Conditions(accounts=found.conditions.accounts, sources=(source,)), 1).rows:
            return _("No event here has the source %(source)s.") % {"source": source} + near
    return ""


def coverage_sentence(relevant: Sequence[Completeness | AccountStatus]) -> str:
    """Up to when the list is complete: an empty table means something only then."""
    known = [status.complete_until for status in relevant if status.complete_until]
    if not relevant:
        return ""
    if not known:
        return _("Not known to be complete yet.")
    told: dict[str, Any] = {"until": show(min(known)), "known": len(known), "all": len(relevant)}
    if len(relevant) == 1:
        sentence = _("Complete until %(until)s.") % told
    elif len(known) < len(relevant):
        unknown = [each.account.name for each in relevant if not each.complete_until]
        told["unknown"] = ", ".join(unknown[:NAMED]) + ("…" if len(unknown) > NAMED else "")
        sentence = _("Complete until %(until)s for %(known)s of %(all)s accounts; not known for %(unknown)s.") % told
    elif len(relevant) == 2:
        sentence = _("Complete until %(until)s for both accounts.") % told
    else:
        sentence = _("Complete until %(until)s for all %(all)s accounts.") % told
    patchy = sum(1 for status in relevant if status.gap_count or status.complete_since)
    missing = ngettext(
        "Older days are still missing for %(count)s.", "Older days are still missing for %(count)s.", patchy
    )
    return f"{sentence} {missing % {'count': patchy}}" if patchy else sentence


def _why_empty(request: HttpRequest, found: EventFilter, context: dict[str, Any]) -> str:
    """Which of the empty states this is."""
    if not found.accounts:
        return "no-accounts"
    if not found.form.is_valid():
        return "invalid"
    if context["page"].searched_back_to or context["page"].searched_up_to:
        return "searching"
    if found.active:
        return "no-match"
    if request.GET.get("before") or request.GET.get("after"):
        return "past-the-end"
    levels = {status.health.level for status in context["statuses"]}
    if levels & {"problem"}:
        return "failing"
    if levels & {"working", "waiting"}:
        return "never-synced"
    return "no-events"
