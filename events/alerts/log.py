"""The log of what was sent, a page at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from events.alerts.messages.facts import finding_path
from events.models import Channel, Delivery, Finding

if TYPE_CHECKING:
    from accounts.models import AnyUser

SIZE = 50


@dataclass(frozen=True)
class Page:
    """Some entries, newest first.

    Attributes:
        entries: each with the path of its finding, if its reader may see that, and whether that may be sent again.
        more: what the next page's `before` is; "" where there is none.
    """

    entries: list[tuple[Delivery, str, bool]]
    more: str
    channel: str = ""
    state: str = ""


def page(user: AnyUser, *, channel: str = "", state: str = "", before: str = "", size: int = SIZE) -> Page:
    """The log of the channels that the user may see, older than a key."""
    channels = Channel.objects.visible_to(user)
    if _is_key(channel):
        channels = channels.filter(pk=int(channel))
    rows: Any = Delivery.objects.filter(channel__in=channels.order_by().values("pk"))
    if state in Delivery.State.values:
        rows = rows.filter(state=state)
    if _is_key(before):
        rows = rows.filter(pk__lt=int(before))
    found = list(rows.select_related("channel", "subscription__view", "finding").order_by("-id")[: size + 1])
    shown = found[:size]
    visible = set(
        Finding.objects.visible_to(user)
        .filter(pk__in={row.finding_id for row in shown if row.finding_id})
        .values_list("pk", flat=True)
    )
    changeable = set(Channel.objects.changeable_by(user).values_list("pk", flat=True))
    entries = [
        (row, finding_path(row.finding_id) if row.finding_id in visible else "", row.channel_id in changeable)
        for row in shown
    ]
    more = str(shown[-1].pk) if len(found) > size else ""
    return Page(entries, more, channel if _is_key(channel) else "", state if state in Delivery.State.values else "")


def _is_key(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 19
