"""What people enter as an address: refused in a sentence where nothing could ever be sent to it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from django.utils.translation import gettext as _

from events.outbound.targets import literal_address, normal

if TYPE_CHECKING:
    from urllib.parse import SplitResult

    from events.outbound.targets import Targets

LONGEST = 2_000  # characters


class NotUsable(ValueError):
    """An address that nothing can be sent to. Its text is for the person who entered it."""


def cleaned(entered: str) -> str:
    """What was entered, without spaces around. Raises NotUsable."""
    entered = entered.strip()
    if len(entered) > LONGEST or re.search(r"[\x00-\x20\x7f]", entered):
        raise NotUsable(_("This is too long, or contains spaces."))
    return entered


def split(entered: str) -> SplitResult:
    """The parts of an address. Raises NotUsable."""
    try:
        parts = urlsplit(entered)
        _port = parts.port
    except ValueError:
        raise NotUsable(_("This cannot be read as an address.")) from None
    return parts


def web_address(entered: str, targets: Targets, setting: str) -> tuple[str, str]:
    """A web address as it is kept, and its part that may be shown.

    Args:
        targets: where messages may go.
        setting: what allows more of them, for the person who may change it.
    Raises:
        NotUsable: none of these can be meant.
    """
    entered = cleaned(entered)
    parts = split(entered)
    if parts.scheme not in ("https", "http") or not parts.hostname:
        raise NotUsable(_("Expected an address that begins with https://."))
    if parts.username or parts.password or parts.fragment:
        raise NotUsable(_("An address must not contain a user name, password or fragment."))
    if not entered.isascii():
        raise NotUsable(_("Use ASCII only; write an international host name in Punycode."))
    host, secure = normal(parts.hostname), parts.scheme == "https"
    port = parts.port or (443 if secure else 80)
    if not secure and not targets.may_be_plain(host, port):
        raise NotUsable(
            _("Use https. Plain HTTP is allowed only for hosts listed in %(setting)s.") % {"setting": setting}
        )
    check_host(host, port, targets)
    return entered, f"{parts.scheme}://{host}{f':{parts.port}' if parts.port else ''}"


def check_host(host: str, port: int, targets: Targets) -> None:
    """Refuse a host and port that can never be connected to, without asking for the host's address. Raises
    NotUsable."""
    literal = literal_address(host)
    if literal is not None:
        usable = targets.allows(host, literal, port)
    else:
        usable = targets.may_be_plain(host, port) or (port in targets.ports and host != "localhost" and "." in host)
    if not usable:
        raise NotUsable(_("This is not a public address, or this port may not be used."))
