"""How often an account is asked for new events, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from events.sync.pace import fast_interval
from events.wording.codes import grouped
from events.wording.times import show

if TYPE_CHECKING:
    from datetime import timedelta

    from events.health.status import AccountStatus


def asked_in_words(status: AccountStatus) -> str:
    """Which pace applies and until when; "" where none does: it is inactive, refused, or backing off."""
    if not status.account.is_active or status.is_blocked or status.state.failures:
        return ""
    usual = _every(settings.SYNC_INTERVAL)
    watch = status.watch
    if watch is None:
        return _("Checked for new events %(interval)s.") % {"interval": usual}
    values = {
        "until": show(watch.until),
        "usual": usual,
        "fast": _every(fast_interval()),
        "hour": show(watch.hour_ends),
        "number": grouped(watch.requests),
        "most": grouped(watch.budget),
    }
    if watch.is_spent:
        text = _(
            "Watched closely until %(until)s, but this hour's extra requests are used up (%(number)s of %(most)s): "
            "checked for new events %(usual)s until %(hour)s."
        )
    else:
        text = _(
            "Watched closely until %(until)s: checked for new events %(fast)s. "
            "Extra requests this hour: %(number)s of %(most)s."
        )
    return text % values


def _every(interval: timedelta) -> str:
    """An interval in the largest unit in which it is whole."""
    seconds = round(interval.total_seconds())
    if seconds % 60:
        text, number = ngettext("every second", "every %(number)s seconds", seconds), seconds
    elif seconds % 3600:
        number = seconds // 60
        text = ngettext("every minute", "every %(number)s minutes", number)
    elif seconds % 86_400:
        number = seconds // 3600
        text = ngettext("every hour", "every %(number)s hours", number)
    else:
        number = seconds // 86_400
        text = ngettext("every day", "every %(number)s days", number)
    return text % {"number": grouped(number)}
