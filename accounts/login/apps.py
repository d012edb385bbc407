"""allauth's list of sessions, as an app of this site."""

from __future__ import annotations

from typing import Any

from allauth.usersessions.apps import UserSessionsConfig
from django.conf import settings
from django.contrib.auth.signals import user_logged_in as session_begins
from django.db.models.signals import post_save


class SessionsConfig(UserSessionsConfig):
    """allauth's, but with what this site notes of a session, and without its own page in the admin."""

    def ready(self) -> None:
        from allauth.account.signals import user_logged_in

        from accounts.login import sessions

        post_save.connect(
            sessions.end_of_inactive, sender=settings.AUTH_USER_MODEL, dispatch_uid="sessions.end_of_inactive"
        )
        session_begins.connect(sessions.begin, dispatch_uid="sessions.begin")
        user_logged_in.connect(_note_browser, dispatch_uid="sessions.note_browser")


def _note_browser(request: Any, **_: Any) -> None:
    from accounts.login import sessions

    sessions.note_browser(request)
