"""The first run: while nobody exists, and only then, one page creates the first administrator.

Only whoever has the link that the server prints in its terminal may use it. That a request comes from this machine says
nothing: a proxy or a tunnel beside the site connects from here too, in everybody's name. The link's token is random,
only its digest is kept, and it ends with the first person or after a day.
"""

from __future__ import annotations

import hashlib
import logging
import secrets
import sys
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.cache import caches
from django.urls import reverse

from auditsite.configuration.checks import is_loopback
from events.storage.transactions import lock_table, write_turn

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.contrib.auth.models import User

logger = logging.getLogger("auditsite.first_run")

LINK_KEPT = 24 * 3600  # seconds


class AlreadyBegun(Exception):
    """Somebody exists already: the first administrator was created in the meantime."""


def is_pending() -> bool:
    """Whether nobody exists yet."""
    return not get_user_model().objects.exists()


def make_administrator(user: User) -> None:
    """Save the first person, who may do everything.

    Raises:
        AlreadyBegun: there is somebody. Of two that come at once, one gets this.
    """
    with write_turn():
        lock_table(type(user), "SHARE ROW EXCLUSIVE")  # also against `createsuperuser` at the same moment
        if not is_pending():
            raise AlreadyBegun
        user.is_staff = user.is_superuser = True
        user.save()


def invite() -> str:
    """A token for a link to the page."""
    token = secrets.token_urlsafe(32)
    caches["default"].set(_kept_as(token), True, LINK_KEPT)
    return token


def is_invited(token: str) -> bool:
    """Whether a token is one that `invite` made and that has not ended."""
    return bool(token) and bool(caches["default"].get(_kept_as(token)))


def _kept_as(token: str) -> str:
    return f"welcome:{hashlib.sha256(token.encode('utf-8', 'replace')).hexdigest()}"


def announce(binds: Iterable[str]) -> None:
    """Print a link to the page, while nobody exists. Whatever keeps it from being made is logged and stops nothing.

    Args:
        binds: what the web server listens on.
    """
    try:
        if not is_pending():
            return
        # In the query, because paths are written to logs.
        link = f"{site_address(binds)}{reverse('welcome')}?{urlencode({'token': invite()})}"
    except Exception as error:  # not migrated yet; database or cache, whichever it is, away: the site says so itself
        logger.warning(
            "No link to create the first administrator, should there be none: %s. Restart the site once its database "
            "and its cache answer.",
            type(error).__name__,
        )
        return
    line = "=" * 80
    sys.stdout.write(
        f"\n{line}\nNobody can log in yet. To create the first administrator, open\n\n    {link}\n\n"
        f"Keep this link to yourself. It works once, within 24 hours; a restart prints a new one.\n{line}\n\n"
    )
    sys.stdout.flush()


def site_address(binds: Iterable[str]) -> str:
    """Where people reach the site: its public name, else what its server listens on."""
    scheme = "https" if settings.HTTPS else "http"
    public = next((host for host in settings.ALLOWED_HOSTS if not is_loopback(host)), "")
    if public:
        return f"{scheme}://{public.lstrip('.')}"
    host, _, port = next(iter(binds), "").rpartition(":")
    if not port.isdecimal():  # a socket in the file system, behind a proxy
        return f"{scheme}://localhost"
    return f"{scheme}://{host if is_loopback(host) else 'localhost'}:{port}"
