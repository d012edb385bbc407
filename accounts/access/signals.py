"""Logins and second factors, as Django, allauth and single sign-on tell of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from allauth.account import signals as account_signals
from allauth.account.adapter import get_adapter
from allauth.account.authentication import get_authentication_records
from allauth.core import context
from allauth.core.internal.ratelimit import truncate_ip
from allauth.mfa import signals as mfa_signals
from django.contrib.auth import get_user_model
from django.contrib.auth import signals as auth_signals

from accounts.access.note import note, session_mark
from accounts.access.words import Action, Kind
from accounts.login.signals import sessions_ended
from accounts.sso.signals import login_refused, rights_changed
from accounts.tokens.limits import Limit

if TYPE_CHECKING:
    from django.http import HttpRequest

FLOOD_PER_MINUTE = 6  # entries of one network that nobody let in; what else it sends is refused without an entry
_flood = Limit("access-refused")


def connect() -> None:
    """Hear them, each once."""
    for signal, receiver in (
        (auth_signals.user_logged_in, _logged_in),
        (auth_signals.user_login_failed, _login_failed),
        (auth_signals.user_logged_out, _logged_out),
        (account_signals.password_changed, _password_changed),
        (account_signals.password_set, _password_changed),
        (mfa_signals.authenticator_added, _factor_added),
        (mfa_signals.authenticator_removed, _factor_removed),
        (mfa_signals.authenticator_reset, _factor_reset),
        (mfa_signals.authentication_failed, _factor_failed),
        (sessions_ended, _sessions_ended),
        (login_refused, _refused_by_single_sign_on),
        (rights_changed, _rights_changed),
    ):
        signal.connect(receiver, dispatch_uid=f"access.{receiver.__name__}")


def is_flood(request: HttpRequest, action: Action, person: Any = None) -> bool:
    """Whether this network fills the log: whoever is not let in must not fill the disk either. Each action has its own
    count, with each person that there is: noise elsewhere must not hide what is tried with one."""
    network = str(truncate_ip(get_adapter().get_client_ip(request))).replace(" ", "")[:50]
    whose = person.pk if person else ""
    return bool(_flood.take(f"{network}:{action.value}:{whose}", FLOOD_PER_MINUTE))


def note_locked_out(request: HttpRequest, name: str) -> None:
    """A login that was not even tried: there had been too many."""
    _note_stranger(request, Action.LOCKED_OUT, name)


def _note_stranger(request: HttpRequest, action: Action, name: Any) -> None:
    """Note who was not let in. A name that nobody has is not kept: people type passwords there."""
    people = get_user_model()._default_manager
    person = people.filter(username__iexact=str(name)[:150].replace("\0", "")).first()
    if action is Action.LOCKED_OUT and is_flood(request, action, person):
        return
    if person:
        note(request, action, Kind.SESSION, person=person)
    else:
        note(request, action, Kind.SESSION, unknown_name=True)


def _logged_in(request: Any, user: Any, **_: Any) -> None:
    records = get_authentication_records(request, user) if hasattr(request, "session") else []
    used = [str(record.get("method", "")) for record in records]
    note(request, Action.LOGIN, Kind.SESSION, person=user, methods=used)


def _login_failed(credentials: Any, request: Any = None, **_: Any) -> None:
    if request is None:
        return
    if getattr(request, "user", None) is not None and request.user.is_authenticated:
        note(request, Action.CONFIRM_FAILED, Kind.SESSION)
    else:
        _note_stranger(request, Action.LOGIN_FAILED, credentials.get("username", ""))


def _logged_out(request: Any, user: Any, **_: Any) -> None:
    if user is not None:
        key = request.session.session_key if hasattr(request, "session") else None
        note(request, Action.LOGOUT, Kind.SESSION, person=user, session=session_mark(key) if key else "")


def _password_changed(request: Any, user: Any, **_: Any) -> None:
    note(request, Action.PASSWORD_CHANGED, Kind.PERSON, obj=user, person=user)


def _factor_added(request: Any, user: Any, authenticator: Any, **_: Any) -> None:
    note(request, Action.FACTOR_ADDED, Kind.FACTOR, obj=user, person=user, type=str(authenticator.type))


def _factor_removed(request: Any, user: Any, authenticator: Any, **_: Any) -> None:
    note(request, Action.FACTOR_REMOVED, Kind.FACTOR, obj=user, person=user, type=str(authenticator.type))


def _factor_reset(request: Any, user: Any, authenticator: Any, **_: Any) -> None:
    note(request, Action.FACTOR_RESET, Kind.FACTOR, obj=user, person=user, type=str(authenticator.type))


def _factor_failed(request: Any, user: Any, **_: Any) -> None:
    if not is_flood(request, Action.FACTOR_FAILED, user):
        note(request, Action.FACTOR_FAILED, Kind.FACTOR, obj=user, person=user)


def _sessions_ended(request: Any, person: Any, count: int, **_: Any) -> None:
    note(request, Action.SESSION_ENDED, Kind.SESSION, obj=person, count=count)


def _refused_by_single_sign_on(request: Any, provider: str, reason: str, **_: Any) -> None:
    if not is_flood(request, Action.LOGIN_REFUSED):
        note(request, Action.LOGIN_REFUSED, Kind.SESSION, provider=provider, reason=str(reason))


def _rights_changed(person: Any, gained: Any, lost: Any, **_: Any) -> None:
    changes: dict[str, Any] = {"gained": list(gained), "lost": list(lost)}
    note(context.request, Action.RIGHTS_CHANGED, Kind.PERSON, obj=person, person=person, **changes)
