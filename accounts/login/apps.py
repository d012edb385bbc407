"""allauth's list of sessions, as an app of this site."""

from __future__ import annotations

from typing import Any

from allauth.usersessions.apps import UserSessionsConfig
from django.contrib.auth.signals import user_logged_in as session_begins


class SessionsConfig(UserSessionsConfig):
    """allauth's, but with what this site notes of a session, and without its own page in the admin."""

    def ready(self) -> None:
        from allauth.account.signals import user_logged_in

        from accounts.login import sessions

        session_begins.connect(sessions.begin, dispatch_uid="sessions.begin")
        user_logged_in.connect(_note_browser, dispatch_uid="sessions.note_browser")


def _note_browser(request: Any, **_: Any) -> None:
    from accounts.login import sessions

    sessions.note_browser(request)
