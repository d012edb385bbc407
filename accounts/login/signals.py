"""What this room tells others of, such as an access log. allauth's signals tell of logins, passwords and factors."""

from __future__ import annotations

from django.dispatch import Signal

# request, person (whose they were), count (how many there were)
sessions_ended = Signal()
# person, types (of the factors, as allauth names them). By command: there is no request.
second_factors_reset = Signal()
