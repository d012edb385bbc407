"""The strip "Worth a look": open findings of high severity, then what else is unusual, without what was dismissed."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlencode

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from events.detection.findings.open_findings import worst
from events.detection.notable import ALLOW, MOST, notable
from events.detection.rules import known_rules
from events.filters.names import country_title
from events.filters.query_string import days_address, page_address
from events.wording import severity
from events.wording.codes import grouped
from events.wording.times import show

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from accounts.models import NexmoAccount, Profile
    from events.detection.notable import Notable

DISMISSED_FOR = timedelta(days=7)
MOST_DISMISSED = 100


class Line(NamedTuple):
    """One line of the strip."""

    key: str
    kind: str
    account: NexmoAccount
    sentence: str
    href: str


def worth_a_look(accounts: Sequence[NexmoAccount], profile: Profile, *, everything: bool = False) -> list[Line]:
    """The lines that the reader has not dismissed: the worst findings, then the newest of what is unusual.

    Args:
        everything: these are all the accounts there are.
    """
    by_pk = {account.pk: account for account in accounts}
    dismissed = _dismissed(profile)
    lines = [line for line in _findings(by_pk, profile, everything) if line.key not in dismissed]
    lines += [
        Line(it.key, it.kind, by_pk[it.account_id], _sentence(it), _address(it, by_pk[it.account_id]))
        for it in notable(list(by_pk))
        if it.account_id in by_pk and it.key not in dismissed
    ]
    return lines[:MOST]


def _findings(accounts: Mapping[int, NexmoAccount], profile: Profile, everything: bool) -> list[Line]:
    """Open findings of high severity and above."""
    found = worst(profile.user_id, list(accounts), everything=everything)
    titles = known_rules.titles() if found else {}
    return [
        Line(
            hashlib.sha256(f"finding {it.number}".encode()).hexdigest()[:16],
            f"finding {severity.slug(it.severity)}",
            accounts[it.account_id],
            _("%(severity)s: %(title)s")
            % {"severity": severity.title(it.severity), "title": titles.get(it.rule, it.title)},
            reverse("events:finding", args=[it.number]),
        )
        for it in found
    ]


def dismiss(profile: Profile, key: str) -> None:
    """Leave a line out for a week."""
    kept = _dismissed(profile) | {key: (timezone.now() + DISMISSED_FOR).isoformat()}
    profile.dismissed = json.dumps(dict(list(kept.items())[-MOST_DISMISSED:]))
    profile.save()


def _dismissed(profile: Profile) -> dict[str, str]:
    """Until when each line is dismissed, for those that still are."""
    if not profile.dismissed:
        return {}
    now = timezone.now()
    try:
        kept: Any = json.loads(profile.dismissed)
        return {key: until for key, until in kept.items() if now < datetime.fromisoformat(until) <= now + DISMISSED_FOR}
    except (ValueError, TypeError, AttributeError):
        return {}


def _sentence(it: Notable) -> str:
    values = it.values
    who = values.get("user") or _("Somebody")
    if it.kind == "country":
        return _("%(user)s came from %(country)s for the first time on %(at)s; from %(home)s since %(since)s.") % {
            "user": who,
            "country": country_title(values["country"]),
            "home": country_title(values["home"]),
            "at": show(it.at),
            "since": f"{timezone.localtime(values['since']):%Y-%m-%d}",
        }
    if it.kind == "everybody":
        return _("%(user)s allowed every address (%(network)s) on %(at)s.") % {
            "user": who,
            "network": values["network"],
            "at": show(it.at),
        }
    if it.kind == "secret":
        return _(
            "%(user)s made an API secret on %(at)s; of %(known)s earlier events, %(near)s were within an hour of that "
            "time of day."
        ) % {"user": who, "at": show(it.at), "near": values["near"], "known": values["known"]}
    if it.kind == "burst":
        text = ngettext(
            "%(total)s event on %(day)s; the busiest of the 30 days before had %(busiest)s.",
            "%(total)s events on %(day)s; the busiest of the 30 days before had %(busiest)s.",
            values["total"],
        )
        return text % {"total": grouped(values["total"]), "day": values["day"], "busiest": grouped(values["busiest"])}
    if it.kind == "silent":
        return _("No event since %(day)s; there were some on %(active)s of the 30 days before.") % {
            "day": values["day"],
            "active": values["active"],
        }
    if values["since"] is None:
        return _("Never synced: %(problem)s") % {"problem": values["problem"]}
    return _("Not synced since %(since)s: %(problem)s") % {"since": show(values["since"]), "problem": values["problem"]}


def _address(it: Notable, account: NexmoAccount) -> str:
    """Just those events; the account where it is about what is missing."""
    if it.kind == "country":
        return _events(account, user_email=it.values["user"], source_country=it.values["country"])
    if it.kind == "everybody":
        return _events(account, event_type=ALLOW, search_text=f'"{it.values["network"]}"')
    if it.kind == "secret":
        return reverse("events:event", args=[account.api_key, it.values["event"]])
    if it.kind == "burst":
        return days_address(account, it.values["day"], it.values["day"])
    return account.get_absolute_url()


def _events(account: NexmoAccount, **conditions: str) -> str:
    return f"{page_address('list', account)}?{urlencode(conditions)}"
