"""The table of events: merged over all accounts, or of one."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.contrib.humanize.templatetags.humanize import intcomma
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.models import Profile, profile_of
from events.detection.findings.marks import marks_of
from events.detection.worth_a_look import worth_a_look
from events.display.event_table import EventTable
from events.display.forms import shown_columns, table_menu
from events.display.page_size import SIZES, read_size
from events.export.files import FORMATS
from events.filters.hints import unknown_source, unread_conditions
from events.filters.parameters import unknown
from events.filters.pills import pills
from events.filters.query_string import OPENED, PAGE_PARAMS, page_address, page_links, with_params
from events.filters.saved import account_menu, menu
from events.filters.suggestions import PERIOD, corrections, has_letters, nearest_match, reading
from events.health.completeness import completeness, coverage_sentence, missing_logins, nothing_archived
from events.health.status import statuses
from events.nexmo.applications import words_of
from events.reading import Cursor, read_page, read_page_at
from events.reading.applications import MOST_NAMED, names_for
from events.reading.conditions import APPLICATION
from events.reading.counts import count_for_page
from events.storage.search_index import words
from events.views.scope import chosen_account, filtered_events
from events.wording.times import show

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from accounts.models import NexmoAccount
    from events.filters.form import EventFilter
    from events.filters.suggestions import Reading
    from events.reading import Page


@require_safe
def event_list(request: HttpRequest, api_key: str | None = None) -> HttpResponse:
    """The events of one account, or of all accounts the reader may see."""
    account = chosen_account(request, api_key)
    event_filter = filtered_events(request, account)
    conditions, readable = event_filter.conditions, event_filter.form.is_valid()
    size, size_note = read_size(request.GET)
    page, page_error = read_page_at(request.GET, partial(read_page, conditions, size))
    meant = reading(event_filter) if conditions.text else None
    if meant and meant.whole and _is_empty(request, page, page_error):
        text = _("No event contains “%(text)s”. It was read as the filter below, and nothing matches that either.")
        if meant.count.number:
            text = _(
                "No event contains “%(text)s”; these are the events it describes. "
                "Put it in quotes to search for the words."
            )
        messages.info(request, text % {"text": conditions.text})
        return redirect(request.path + meant.href)
    accounts = list(event_filter.accounts.values())
    chosen = [
        listed for listed in accounts if conditions.accounts is None or listed.pk in conditions.accounts
    ] or accounts
    complete = completeness(chosen)
    count = count_for_page(
        conditions, page, None if event_filter.active else sum(status.event_count for status in complete)
    )
    profile = profile_of(request.user)
    is_plain = readable and not event_filter.active and not _is_further(request)
    oldest_first = conditions.oldest_first
    # What the search box says of the order stays there, unless it is what is to be turned.
    said_in_box = oldest_first is not (request.GET.get("order") == "oldest")
    turned = with_params(
        event_filter.data if said_in_box else request.GET,
        **dict.fromkeys(PAGE_PARAMS),
        order=None if oldest_first else "oldest",
    )
    of_files = with_params(request.GET, **dict.fromkeys((*PAGE_PARAMS, "size", OPENED)))
    context: dict[str, Any] = {
        "account": account,
        "filter": event_filter,
        "form": event_filter.form,
        "filter_html": event_filter.html(one_account=account is not None, sizes=sorted({*SIZES, size}), size=size),
        "page": page,
        "page_error": page_error,
        "table": EventTable(
            page.rows,
            accounts=accounts,
            descriptions=event_filter.type_descriptions,
            shown=[name for name in shown_columns(profile) if not (account and name == "account")],
            now=timezone.now() if profile.times == Profile.Times.RELATIVE else None,
            params=event_filter.data,
            density=profile.density,
            words=event_filter.marked if event_filter.conditions.text else None,
            oldest_first=oldest_first,
            turned=turned,
            marks=marks_of(page.rows),
            applications=names_for(page.rows),
        ),
        "oldest_first": oldest_first,
        "turned": turned,
        "profile": profile,
        "worth_a_look": worth_a_look(accounts, profile, everything=event_filter.everything) if is_plain else [],
        "display": table_menu(profile),
        "news": "" if not readable or oldest_first else _news_address(request, account, page),
        "size_note": size_note,
        "unknown": unknown(request.GET),
        "exports": [
            (file_format.title, page_address("export", account, kind) + of_files)
            for kind, file_format in FORMATS.items()
        ],
        "export_page": page_address("export_page", account) + of_files,
        "evidence": page_address("evidence", account) + of_files,
        "sign_off": page_address("review_new", None) + of_files + (f"&account={account.api_key}" if account else ""),
        "summary": page_address("summary", account) + with_params(request.GET, **dict.fromkeys((*PAGE_PARAMS, "size"))),
        "suggest": page_address("suggest", account),
        "pills": pills(event_filter),
        "reading": meant,
        "applications": _applications(event_filter, meant) if conditions.text else None,
        "views": account_menu(event_filter.data, account.api_key, readable=readable)
        if account
        else menu(request.user, event_filter.data, readable=readable),
        "links": page_links(request.path, request.GET, page),
        "list_url": request.path,
        "count": count,
        "count_shown": intcomma(count.number) + ("+" if count.at_least else ""),
        "coverage": coverage_sentence(complete),
        "logins": missing_logins(event_filter.active.get("event_type") or (), complete),
        "sources": unknown_source(event_filter) or unread_conditions(conditions.text),
        "searched_to": show(page.searched_back_to or page.searched_up_to),
        "empty": "",
    }
    if not page.rows and not page_error:
        context["statuses"] = statuses(accounts, worker_alive=True)
        context["empty"] = _why_empty(request, event_filter, page) or nothing_archived(context["statuses"])
        context |= _what_is_near(meant.event_filter if meant else event_filter, context["empty"], request.path)
    return render(request, "events/list.html", context)


def _applications(event_filter: EventFilter, meant: Reading | None) -> dict[str, Any] | None:
    """The applications whose names hold what is searched for: most of their events tell only their ids."""
    if not has_letters(event_filter.conditions.text):
        return None
    text = words_of(" ".join(words(event_filter.conditions.text).wanted))
    names = {app: name for (_, app), name in event_filter.applications.named(text).items()}
    if not names:
        return None
    its_own = with_params(event_filter.data, **dict.fromkeys(PAGE_PARAMS), search_text=None, application=text)
    return {
        "pages": [
            (name, app[:8], reverse("events:about", args=["application", app]))
            for app, name in list(names.items())[:MOST_NAMED]
        ],
        "more": len(names) > MOST_NAMED,
        # Where the words may mean something else, their other meaning is offered already.
        "events": "" if meant and APPLICATION in meant.event_filter.active else its_own,
    }


def _news_address(request: HttpRequest, account: NexmoAccount | None, page: Page) -> str:
    """Where to ask for events that arrive while this page is read: only the page of the newest has such."""
    if _is_further(request) or page.searched_back_to:
        return ""
    since = str(Cursor.of(page.rows[0])) if page.rows else None
    return page_address("news", account) + with_params(request.GET, **dict.fromkeys(PAGE_PARAMS), since=since)


def _is_empty(request: HttpRequest, page: Page, page_error: str) -> bool:
    """Whether it is certain that nothing matches."""
    return not (_is_further(request) or page.rows or page_error or page.searched_back_to or page.searched_up_to)


def _is_further(request: HttpRequest) -> bool:
    """Whether it is another page than the first."""
    return any(request.GET.get(name) for name in PAGE_PARAMS)


def _what_is_near(event_filter: EventFilter, empty: str, path: str) -> dict[str, Any]:
    """What an empty list offers: what may be meant instead, and the newest match outside the period."""
    if empty == "invalid":
        return {"corrections": corrections(event_filter)}
    if empty == "no-match" and (row := nearest_match(event_filter)):
        anytime = with_params(event_filter.data, **dict.fromkeys((*PAGE_PARAMS, *PERIOD)))
        account = event_filter.accounts_by_pk.get(row.account_id)
        words = (show(row.created_at), row.user_email, account.name if account else "")
        return {"nearest": ", ".join(filter(None, words)), "anytime": path + anytime}
    return {}


def _why_empty(request: HttpRequest, event_filter: EventFilter, page: Page) -> str:
    """Which of the empty states it is; "" where there is simply nothing in the archive."""
    if not event_filter.accounts:
        return "no-accounts"
    if not event_filter.form.is_valid():
        return "invalid"
    if page.searched_back_to or page.searched_up_to:
        return "searching"
    if event_filter.active:
        return "no-match"
    return "past-the-end" if _is_further(request) else ""
