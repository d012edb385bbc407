"""SESSION_ENGINE: Django's sessions in the database, without those that have been idle or open for too long."""

from __future__ import annotations

from typing import Any

from django.contrib.sessions.backends.db import SessionStore as DatabaseStore


class SessionStore(DatabaseStore):
    """Every look at a session passes here, whatever view asks who is logged in."""

    ended = ""  # why the session that was asked for counts no more, as a sentence

    def load(self) -> dict[str, Any]:
        from accounts.login import sessions  # models, which are not there yet when this module is imported

        data: dict[str, Any] = super().load()
        why = sessions.why_over(data)
        if not why:
            return data
        self.ended = sessions.in_words(why, data)
        self.delete(self.session_key)
        self._session_key = None
        return {}
