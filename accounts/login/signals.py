"""What this room tells others of, such as the access log. allauth's signals tell of logins, passwords and factors."""

from __future__ import annotations

from django.dispatch import Signal

# request, person (whose they were), count (how many there were)
sessions_ended = Signal()
