"""What single sign-on tells others of, such as an access log. allauth's `user_logged_in` tells of logins themselves."""

from __future__ import annotations

from django.dispatch import Signal

# person, gained, lost: names of teams and roles, "staff" and "superuser". Sent where something changed.
rights_changed = Signal()
# request, provider (its name in SocialAccount), subject (may be empty), reason (a code of `refusal.Refusal`)
login_refused = Signal()
