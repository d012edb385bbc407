"""Writes the entry of the access log that an answered request needs, before the answer leaves."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.contrib.messages import SUCCESS, WARNING, get_messages
from django.db import DatabaseError
from django.http import FileResponse

from accounts.access import record
from accounts.access.note import Note, Rows, name_of, rows_of, session_mark
from accounts.access.signals import is_flood
from accounts.access.words import Action, Kind, Via
from auditsite.access_log import recent
from auditsite.access_log.addresses import Rule, kept_of, rule_for
from auditsite.monitoring.logs import request_id
from auditsite.server.proxy import client_address
from events.storage.transactions import impatient

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from django.http import HttpRequest
    from django.http.response import HttpResponseBase

logger = logging.getLogger("auditsite.access_log")

PATIENCE_MS = 5_000  # of SQLite's one lock: then the answer is that the site is busy
SAFE = ("GET", "HEAD")
LOOKED = (Action.LISTED, Action.OPENED, Action.REFUSED)
# What names an object in an address, the narrower first.
_NAMES = ("event_id", "number", "pk", "uid", "identifier", "value", "name", "object_id", "api_key")


class AccessLogMiddleware:
    """The innermost of all, so that it knows whether a view was reached. Where the entry cannot be written, there is no
    answer: the database is busy then, and `auditsite.middleware.busy` says so."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        write_entry(request, response)
        return response

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> None:
        request.access_reached = True  # type: ignore[attr-defined]


def write_entry(request: HttpRequest, response: HttpResponseBase) -> None:
    """Write what came of a request, where that is to be kept: an entry for each thing that was done, in one statement.
    Raises what the database raises."""
    entries = _entries(request, response)
    if not entries:
        return
    entry = entries[0]
    try:
        with impatient(PATIENCE_MS):
            # Who only looked need not wait for the disk; what was done or taken away is on it.
            record.add(*entries, awaits_disk=request.method not in SAFE or entry.action not in LOOKED)
    except Exception:
        logger.exception("The access log could not be written, so %s is not answered", request.path[:200])
        raise
    _remember(request, entry)
    if entry.action == Action.EXPORT_BEGUN:
        response.streaming_content = _Export(  # type: ignore[attr-defined]
            iter(response.streaming_content),  # type: ignore[attr-defined]
            entry,
            rows_of(request),
        )


class _Export:
    """The parts of a file that is being sent; the last is not over before its entry is written."""

    def __init__(self, parts: Iterator[bytes], begun: record.Entry, rows: Rows) -> None:
        self.parts, self.begun, self.rows, self.is_over = parts, begun, rows, False

    def __iter__(self) -> _Export:
        return self

    def __next__(self) -> bytes:
        try:
            return next(self.parts)
        except StopIteration:
            self._end(whole=True)
            raise

    def close(self) -> None:
        try:
            self._end(whole=False)
        except DatabaseError:  # whoever asked is gone; that it began and has no end is on record
            logger.exception(
                "The end of an export (%s) could not be written into the access log", self.begun.request_id
            )

    def _end(self, *, whole: bool) -> None:
        if self.is_over:
            return
        self.is_over = True
        detail: dict[str, Any] = {"whole": whole}
        if self.rows.written is not None:
            detail["rows"] = self.rows.written
        values = {**vars(self.begun), "action": Action.EXPORT_ENDED, "detail": {**self.begun.detail, **detail}}
        with impatient(PATIENCE_MS):
            record.add(record.Entry(**values))


def _entries(request: HttpRequest, response: HttpResponseBase) -> list[record.Entry]:
    match = request.resolver_match
    rule = rule_for(match.view_name) if match else None
    notes: list[Note] | None = getattr(request, "access_notes", None)
    access = getattr(request, "api_access", None)
    if not notes:
        if rule is None or not (rule.get or rule.post):
            return []
        made = _by_rule(request, response, rule, is_program=access is not None)
        if made is None:
            return []
        notes = [made]
    # A new password logs out, too: not worth an entry of its own.
    notes = [said for said in notes if said.action is not Action.LOGOUT] or notes[:1]
    known = next((said.person for said in notes if said.person), None)
    return [_entry(request, response, note, access, known) for note in notes]


def _entry(request: HttpRequest, response: HttpResponseBase, note: Note, access: Any, known: Any) -> record.Entry:
    """An entry of a note. `known`: the person whom another note of the same request names."""
    match = request.resolver_match
    person = note.person or (access.person if access else _person(request)) or known
    kwargs: dict[str, Any] = match.kwargs if match else {}
    via, via_id = (Via.SESSION, note.session) if note.session else _via(request, access, person)
    object_id = note.object_id or _object_id(kwargs)
    return record.Entry(
        action=note.action,
        kind=note.kind,
        via=via,
        via_id=via_id,
        person=person.get_username() if person else "",
        person_pk=person.pk if person else None,
        object_id=object_id,
        object_name=note.object_name or name_of(request, object_id),
        accounts=note.accounts or _accounts(request, kwargs),
        address=client_address(request),
        agent=request.META.get("HTTP_USER_AGENT", ""),
        status=response.status_code,
        request_id=request_id.get(),
        detail=_detail(request, note),
    )


def _by_rule(request: HttpRequest, response: HttpResponseBase, rule: Rule, *, is_program: bool) -> Note | None:
    """What an answer means that nobody has said anything of."""
    status, is_read = response.status_code, request.method in SAFE
    action = rule.get if is_read else rule.post if request.method == "POST" else None
    if action is None:
        return None
    if is_program:
        pass
    elif getattr(request, "api_refused", False):  # credentials that are none
        return _wrong_token(request)
    elif not getattr(request, "access_reached", False) or not (rule.anybody or _person(request)):
        return None
    if status in (403, 404):
        return Note(Action.REFUSED, rule.kind, detail={"action": action.value})
    if status >= 500 and not is_read:
        return Note(action, rule.kind)  # it broke off: nobody knows how much was done by then
    if status >= 400:
        return None
    if is_read:
        if status >= 300 and status != 304:
            return None
        if _is_on_record(request, rule):
            return None
        if action == Action.EXPORT_BEGUN and (not response.streaming or isinstance(response, FileResponse)):
            action = Action.OPENED  # a HEAD, or the page that says why there is no file
        return Note(action, rule.kind)
    if status < 300 and not rule.shows and not is_program:
        return Note(rule.failed, rule.kind) if rule.failed else None
    if status >= 300 and _was_refused(request):
        return Note(Action.REFUSED, rule.kind, detail={"action": action.value})
    return Note(action, rule.kind)


def _was_refused(request: HttpRequest) -> bool:
    """Whether the page that follows will say why nothing was done: what this request told the person is a warning or an
    error, and no success."""
    levels = {message.level for message in getattr(get_messages(request), "_queued_messages", ())}
    return bool(levels) and max(levels) >= WARNING and SUCCESS not in levels


def _wrong_token(request: HttpRequest) -> Note | None:
    """Credentials that are none, or of a token that has ended, whose secret was right: that is named."""
    token = getattr(request, "api_ended", None)
    if is_flood(request, Action.LOGIN_FAILED, token.person if token else None):
        return None
    if token is None:
        return Note(Action.LOGIN_FAILED, Kind.TOKEN)
    return Note(Action.LOGIN_FAILED, Kind.TOKEN, token.identifier, str(token), person=token.person)


def _is_on_record(request: HttpRequest, rule: Rule) -> bool:
    """Whether an entry of this session already tells of what is only a part, or asked for again."""
    if rule.part:
        if rule.polled and not recent.has_filter(request):
            return recent.is_told(_any_list_key(request), ever=True)
        return recent.is_told(_list_key(request), ever=rule.polled)
    return bool(rule.polled and request.headers.get("HX-Request") and recent.is_told(_page_key(request)))


def _remember(request: HttpRequest, entry: record.Entry) -> None:
    """An entry of a page stands for its parts, for a while."""
    match = request.resolver_match
    rule = rule_for(match.view_name) if match else None
    if rule is None or entry.action is not rule.get or entry.via is not Via.SESSION:
        return
    if rule.polled and not rule.part:
        recent.remember(_page_key(request))
    elif rule.kind is Kind.EVENT and rule.get is Action.LISTED:
        recent.remember(_list_key(request))
        recent.remember(_any_list_key(request))


def _page_key(request: HttpRequest) -> tuple[str, ...]:
    return recent.of_page(request, request.session.session_key or "")


def _list_key(request: HttpRequest) -> tuple[str, ...]:
    return recent.of_list(request, request.session.session_key or "", _account(request))


def _any_list_key(request: HttpRequest) -> tuple[str, ...]:
    return recent.of_any_list(request.session.session_key or "", _account(request))


def _account(request: HttpRequest) -> str:
    return request.resolver_match.kwargs.get("api_key", "") if request.resolver_match else ""


def _person(request: HttpRequest) -> Any:
    user = getattr(request, "user", None)
    return user if user is not None and user.is_authenticated else None


def _via(request: HttpRequest, access: Any, person: Any) -> tuple[Via, str]:
    if access:
        return Via.TOKEN, access.token.identifier
    session = getattr(request, "session", None)
    key = session.session_key if session is not None and person else None
    return (Via.SESSION, session_mark(key)) if key else (Via.NOBODY, "")


def _object_id(kwargs: dict[str, Any]) -> str:
    return next((str(kwargs[name]) for name in _NAMES if name in kwargs), "")


def _accounts(request: HttpRequest, kwargs: dict[str, Any]) -> tuple[str, ...]:
    if "api_key" in kwargs:
        return (kwargs["api_key"],)
    if "account" in request.GET:
        named = (key for value in request.GET.getlist("account") for key in value.split(",") if key)
        access = getattr(request, "api_access", None)
        visible = access.account_list if access else getattr(request, "access_accounts", ())
        keys = {account.api_key for account in visible}
        return tuple(key for key in named if key in keys)  # of others nothing was shown; the filter names them
    return ()


def _detail(request: HttpRequest, note: Note) -> dict[str, Any]:
    detail = dict(note.detail)
    match = request.resolver_match
    if match and "kind" in match.kwargs:
        detail["type"] = str(match.kwargs["kind"])
    if match and request.GET and (query := _query(request, kept_of(match.view_name))):
        detail["filter"] = query
    return detail


def _query(request: HttpRequest, names: frozenset[str]) -> str:
    """What was asked for, in one order, so that equal questions are equal texts."""
    kept = sorted((name, value) for name, values in request.GET.lists() if name in names for value in values if value)
    return urlencode(kept, errors="replace")
