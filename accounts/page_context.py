"""What every page says of the person who reads it, for templates.

Each name is always there: a template that looks for an attribute in vain makes Django list all that there are, which
takes a tenth of the page's time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.utils.functional import SimpleLazyObject

from accounts.models import Profile

if TYPE_CHECKING:
    from django.http import HttpRequest

    from accounts.models import AnyUser


def reader(request: HttpRequest) -> dict[str, Any]:
    """`theme`, which the person chose, and `second_factor_due`, by when they must set one up; else empty."""
    user = getattr(request, "user", None)
    return {
        # The person is looked up only if a template shows it.
        "theme": SimpleLazyObject(lambda: _theme(user)) if user is not None else "",
        "second_factor_due": getattr(request, "second_factor_due", None),
    }


def _theme(user: AnyUser) -> str:
    try:
        return str(user.profile.theme)  # type: ignore[union-attr]
    except (AttributeError, Profile.DoesNotExist):
        return ""
