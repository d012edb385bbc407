"""Sessions: how long they last, with and without being used, and which browsers of a person they are in.

When one began, was last used and ends at the latest stands in the session itself, which every page reads anyway. It is
written at most once in NOTED_EVERY, and so is the row of allauth's list of sessions.
"""

from __future__ import annotations

import ipaddress
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from allauth.account.adapter import get_adapter
from allauth.usersessions.internal.flows.sessions import end_sessions
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.base import UpdateError
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.contrib.sessions.exceptions import SessionInterrupted
from django.contrib.sessions.models import Session
from django.db import DatabaseError, transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.login.notice import BY_ITSELF
from accounts.login.signals import sessions_ended

if TYPE_CHECKING:
    from django.http import HttpRequest

# In the session: seconds since the epoch.
BEGAN, SEEN, ENDS = "login_began", "login_seen", "login_ends"
NOTED_EVERY = 300  # seconds, or a tenth of SESSION_IDLE where that is less
TOLD_FOR = timedelta(days=7)  # how long a session that has ended is kept, so that its browser can be told why
IDLE, LONGEST, UNDATED = "idle", "longest", "undated"  # why a session ended
NO_ADDRESS = "::"  # of a browser whose address no proxy says: the column wants one


def begin(request: Any, **_: Any) -> None:
    """A login: Django's signal `user_logged_in`."""
    now = int(time.time())
    request.session.update({BEGAN: now, SEEN: now, ENDS: now + int(settings.SESSION_MAX.total_seconds())})


def end_by(session: Any, moment: datetime) -> None:
    """Have a session end at a moment, or earlier if it does so already."""
    session[ENDS] = min(int(moment.timestamp()), session.get(ENDS, int(moment.timestamp())))


def ends_at(session: Any) -> datetime | None:
    """When a session ends at the latest; None where nobody is logged in."""
    return datetime.fromtimestamp(session[ENDS], UTC) if ENDS in session else None


def why_over(data: dict[str, Any]) -> str:
    """Why a session with this content counts no more: IDLE, LONGEST, UNDATED, or "" as long as it does."""
    now = time.time()
    if SESSION_KEY in data and SEEN not in data:
        return UNDATED  # of a login before there were limits: nothing would end it, and no list shows it
    if ENDS in data and now >= data[ENDS]:
        return LONGEST
    if SEEN in data and now >= data[SEEN] + settings.SESSION_IDLE.total_seconds():
        return IDLE
    return ""


def in_words(why: str, data: dict[str, Any]) -> str:
    """The same as a sentence."""
    if why == UNDATED:
        return _("You were logged out: since your login, this site has begun to limit how long logins last.")
    if why == IDLE:
        text = _("You were logged out after %(time)s without activity.")
        return text % {"time": duration(settings.SESSION_IDLE)}
    lasted = timedelta(seconds=data[ENDS] - data.get(BEGAN, data[ENDS]))
    return _("You were logged out after %(time)s, the maximum session length.") % {"time": duration(lasted)}


def duration(length: timedelta) -> str:
    """A length of time in its largest whole unit."""
    seconds = round(length.total_seconds())
    if seconds and seconds % 86_400 == 0:
        return ngettext("%(count)s day", "%(count)s days", seconds // 86_400) % {"count": seconds // 86_400}
    if seconds >= 3_600 and seconds % 3_600 == 0:
        return ngettext("%(count)s hour", "%(count)s hours", seconds // 3_600) % {"count": seconds // 3_600}
    minutes = max(round(seconds / 60), 1)
    return ngettext("%(count)s minute", "%(count)s minutes", minutes) % {"count": minutes}


def is_activity(request: HttpRequest) -> bool:
    """Whether a request of somebody who is logged in is to be noted. What a page asks for by itself is no activity: an
    open page that looks for news would keep its session for ever."""
    often = min(NOTED_EVERY, settings.SESSION_IDLE.total_seconds() / 10)
    if request.session.get(SEEN, 0) > time.time() - often:
        return False
    return request.method not in ("GET", "HEAD") or not (request.headers.get("HX-Request") or BY_ITSELF in request.GET)


def note_activity(request: HttpRequest) -> None:
    """Write down that a session is used, at once and only that: what runs beside may change the session meanwhile.

    Raises:
        SessionInterrupted: it was ended in this moment.
        DatabaseError: it cannot be written; the session is as it was, and the next page tries again.
    """
    session = request.session
    now = int(time.time())
    was_modified, before = session.modified, session[SEEN]
    session[SEEN] = now
    try:
        with transaction.atomic():
            session.save()
            note_browser(request)
    except UpdateError:
        raise SessionInterrupted("The session was ended while its page was asked for.") from None
    except DatabaseError:
        session[SEEN] = before
        raise
    finally:
        session.modified = was_modified


def note_browser(request: HttpRequest) -> None:
    """Which browser the session is in, and that it was seen."""
    if not request.session.session_key:
        request.session.save()
    address = get_adapter().get_client_ip(request)
    try:
        ipaddress.ip_address(address)
    except ValueError:
        address = NO_ADDRESS
    longest = UserSession._meta.get_field("user_agent").max_length
    seen = {
        "user": request.user,
        "ip": address,
        "user_agent": request.headers.get("User-Agent", "")[:longest],
        "last_seen_at": timezone.now(),
    }
    UserSession.objects.update_or_create(session_key=request.session.session_key, defaults=seen)


def end(request: HttpRequest, person: Any, chosen: list[UserSession] | None = None) -> None:
    """End sessions of a person: those chosen, or all but the one of this request."""
    if chosen is None:
        chosen = list(UserSession.objects.filter(user=person).exclude(session_key=request.session.session_key))
    end_sessions(request, chosen)
    if chosen:
        sessions_ended.send(sender=UserSession, request=request, person=person, count=len(chosen))


def end_of_inactive(instance: Any, **_: Any) -> None:
    """Django's signal `post_save` of a person: whoever may no longer log in has no sessions, or they would open again
    when that person may."""
    if not instance.is_active:
        for session in UserSession.objects.filter(user=instance):
            session.end()


def forget_ended() -> None:
    """Delete sessions that have ended, and what was noted of them; and those of people who were switched off where no
    signal tells of it, by SQL or `update()`: nobody's already, they would open again with the person."""
    for session in UserSession.objects.filter(user__is_active=False):
        session.end()
    DatabaseStore.clear_expired()
    UserSession.objects.exclude(Exists(Session.objects.filter(pk=OuterRef("session_key")))).delete()
