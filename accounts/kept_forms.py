"""What somebody typed into a form that was sent when it could not be taken, because the login had ended or something
had to be confirmed first: kept until they have done so.

A form asks for this with `{% keep_form %}`, which signs whose form it is and on which page. So nothing is ever kept of
a form that did not ask, such as one for a password; nobody can put words into another person's form; and the page to go
back to is one that this person was shown. The form is filled in again, and never sent by itself.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from django import forms
from django.contrib import messages
from django.core import signing
from django.http import QueryDict
from django.utils.formats import number_format
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.http import HttpRequest

FIELD = "kept_form"
SALT = "accounts.kept_forms"
AGE = 14 * 86_400  # seconds that a page may have been open
MOST = 20_000  # characters of all that is kept
_NEVER = re.compile(r"kept_form|csrfmiddlewaretoken|secret|password")  # fields that are not kept, whatever the form
_OURS = {FIELD, "csrfmiddlewaretoken"}
_LOGIN = re.compile(r"://[^/?#\s@]*+@")  # a name and password within an address
_KEY = "kept_form"  # in the session


# What people are told when a form is filled in again.
REASONS = {
    "ended": _("This was not saved, because your login had ended. Check it and save it again."),
    "confirm": _(
        "This was not saved yet, because you had to confirm who you are. Enter secrets and passwords again, then save."
    ),
    "second_factor": _("This was not saved, because you needed a second factor first. Check it and save it again."),
}
TOO_LONG = _("Nothing was saved, and what you typed could not be kept: it is longer than %(most)s characters.")
SECRETS_AGAIN = _("Enter secrets, and addresses that may hold secrets, again: they were not kept.")


class Mark(NamedTuple):
    """Whose form it is, by their key, the address of its page, and the fields that are secrets in this form."""

    user: int
    page: str
    secrets: Sequence[str] = ()


def mark(request: HttpRequest, form: forms.BaseForm | None = None) -> str:
    """The mark of a form on the page that is being answered.

    Args:
        form: what it shows no browser while it is typed is not kept either.
    """
    hidden = [field.html_name for field in form or () if isinstance(field.field.widget, forms.PasswordInput)]
    return signing.dumps(Mark(request.user.pk or 0, request.get_full_path(), hidden), salt=SALT, compress=True)


def keep(request: HttpRequest, why: str = "ended") -> str:
    """Keep what was posted, if its form asks for that. What is too long is not kept, and the next page says so.

    Args:
        why: a key of REASONS.

    Returns:
        The address of the form's page; "" for any other form, and for one of somebody else than who is logged in now.
    """
    try:
        read = Mark(*signing.loads(request.POST.get(FIELD, ""), salt=SALT, max_age=AGE))
    except (signing.BadSignature, TypeError, ValueError):
        return ""
    if request.user.is_authenticated and request.user.pk != read.user:
        return ""
    fields = {name: values for name, values in request.POST.lists() if not _is_kept_back(name, values, read)}
    lost = any(any(request.POST.getlist(name)) for name in request.POST.keys() - fields.keys() - _OURS)
    if sum(len(text) for name, values in fields.items() for text in (name, *values)) <= MOST:
        path = read.page.partition("?")[0]
        request.session[_KEY] = {"user": read.user, "path": path, "fields": fields, "why": why, "lost": lost}
    else:
        messages.warning(request, TOO_LONG % {"most": number_format(MOST, force_grouping=True)})
    return read.page


def _is_kept_back(name: str, values: list[str], of: Mark) -> bool:
    if name in of.secrets or _NEVER.search(name):
        return True
    return "address" in name and any(_LOGIN.search(value) for value in values)


def has_kept(request: HttpRequest) -> bool:
    """Whether a form waits in this session."""
    return _KEY in request.session


def carry(request: HttpRequest) -> None:
    """Keep the form in hand while the session ends and another begins in this request: `put_back`."""
    request.carried_form = request.session.get(_KEY)  # type: ignore[attr-defined]


def put_back(request: HttpRequest) -> None:
    """Put the form that was carried into the new session, if it is of the same person."""
    kept = getattr(request, "carried_form", None)
    if kept is not None and kept["user"] == request.user.pk:
        request.session[_KEY] = kept


def restored(request: HttpRequest) -> QueryDict | None:
    """What the reader had typed into the form of this page, once; None where nothing was kept."""
    kept = request.session.get(_KEY)
    if kept is None or request.method != "GET":
        return None
    if kept["user"] != request.user.pk:
        del request.session[_KEY]  # it was typed by who used this browser before
        return None
    if kept["path"] != request.path:
        return None
    del request.session[_KEY]
    why = kept.get("why", "ended")
    messages.warning(request, REASONS[why])
    if kept.get("lost") and why != "confirm":  # which says so itself
        messages.warning(request, SECRETS_AGAIN)
    typed = QueryDict(mutable=True)
    for name, values in kept["fields"].items():
        typed.setlist(name, values)
    return typed
