"""Trying a rule before it is saved, and putting what it finds into the inbox afterwards: asked for on a page, done by
the worker (`events.detection.evaluation.hunt`), and what came of it.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from django.db import transaction
from django.db.models import Sum
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from accounts.models import NexmoAccount
from events.detection.evaluation.hunt import KIND
from events.detection.rules import ruleset
from events.detection.rules.known_rules import steps_of
from events.masking import named_value
from events.models import AuditEvent, ChainHead, EventType, Hunt, Severity
from events.nexmo.catalog import EVENT_TYPES
from events.operations import jobs
from events.wording.codes import grouped, type_words
from events.wording.times import show

if TYPE_CHECKING:
    from collections.abc import Mapping

    from accounts.models import AnyUser
    from events.detection.sigma.rule import Rule

UNFINISHED = (Hunt.State.WAITING, Hunt.State.RUNNING)
KEPT_FOR = timedelta(days=30)
MOST_MONTHS = 24  # shown
IN_SIGHT = 3  # events of a finding that are not folded
MOST_UNKNOWN = 5  # types of event
NOISY = 30  # findings a month, from which on people stop reading them


def request(text: str, by: AnyUser, *, replay: bool = False, scope: Mapping[str, Any] | None = None) -> Hunt:
    """Have a rule that can be read looked for in the whole archive.

    A person's next trial takes the place of one that is not finished: who changes a rule no longer waits for what it
    said before. What puts findings into the inbox is always finished.

    Args:
        replay: whether what is found goes into the inbox.
        scope: of which part of the archive, as `Scope.of` reads it; all where it is empty.
    """
    now = timezone.now()
    rules, _problems = ruleset.read(text, "")
    with transaction.atomic():
        Hunt.objects.filter(requested_by=by.pk, requested_at__lt=now - KEPT_FOR).delete()
        Hunt.objects.filter(requested_by=by.pk, replay=False, state__in=UNFINISHED).delete()
        hunt = Hunt(requested_by_id=by.pk or 0, requested_at=now, text=text, replay=replay)
        asked: Any = {"scope": dict(scope)} if scope else None
        hunt.result = asked
        hunt.save()
        if rules and is_about_syncing(rules[0]):
            hunt.state, hunt.finished_at = Hunt.State.DONE, now  # there is nothing to look for
            hunt.save()
        else:
            jobs.enqueue(KIND, str(hunt.pk), requested_by=by)
    return hunt


def is_about_syncing(rule: Rule) -> bool:
    """Whether a rule looks at how syncing goes now, of which the archive says nothing."""
    return any(selection.service == "sync" for selection in rule.selections)


class Month(NamedTuple):
    """How many findings begin in a month."""

    title: str
    findings: int


class Event(NamedTuple):
    """An event of a finding, for its line. `href`: "" where its account is gone."""

    at: datetime
    words: str
    account: str
    step: str
    href: str


@dataclass(frozen=True)
class Shown:
    """One of the newest findings. `rest`: events that are folded; `more`: how many are not listed."""

    first_at: datetime
    last_at: datetime
    group: list[tuple[str, str]]
    first: list[Event]
    rest: list[Event]
    more: int

    @property
    def others(self) -> int:
        """How many events stand not in sight."""
        return len(self.rest) + self.more


class Trial:
    """A trial, for its page."""

    def __init__(self, hunt: Hunt) -> None:
        self.hunt = hunt
        self.pk, self.state, self.text, self.replay = hunt.pk, hunt.state, hunt.text, hunt.replay
        self.done, self.total, self.found = hunt.done, hunt.total, hunt.found
        rules, _problems = ruleset.read(hunt.text, "")
        self.rule = rules[0] if rules else None
        self.uid = self.rule.uid if self.rule else ""
        self._result: dict[str, Any] = hunt.result if isinstance(hunt.result, dict) else {}

    @property
    def title(self) -> str:
        return self.rule.advice_in(get_language() or "en").title if self.rule else _("A rule")

    @property
    def severity(self) -> Severity | None:
        return Severity(self.rule.severity) if self.rule else None

    @property
    def problem(self) -> str:
        """Why it failed."""
        return (
            _(self.hunt.problem) if self.hunt.problem else _("Something went wrong. The worker's log has the details.")
        )

    @property
    def is_unfinished(self) -> bool:
        return self.state in UNFINISHED

    @property
    def is_about_syncing(self) -> bool:
        return bool(self.rule and is_about_syncing(self.rule))

    @property
    def percent(self) -> int | None:
        """How far the worker is; None where that is not known."""
        return min(100, self.done * 100 // self.total) if self.total else None

    @property
    def stage(self) -> str:
        """How many of a replay's findings are in the inbox, as long as some are not."""
        numbers = self._result.get("written")
        if self.state != Hunt.State.RUNNING or not numbers:
            return ""
        done, total = map(grouped, numbers)
        return _("%(done)s of %(total)s findings are in the inbox") % {"done": done, "total": total}

    @cached_property
    def scope(self) -> str:
        """The part of the archive that it is about, in words; "" for all of it."""
        asked = self._result.get("scope") or {}
        since, until = (
            show(datetime.fromisoformat(asked[name])) if name in asked else "" for name in ("since", "until")
        )
        if since and until:
            said = [_("from %(first)s to %(last)s") % {"first": since, "last": until}]
        else:
            said = [_("from %(time)s on") % {"time": since}] if since else []
            said += [_("up to %(time)s") % {"time": until}] if until else []
        if "account" in asked:
            _key, name = _accounts({asked["account"]}).get(asked["account"], ("", _("a deleted account")))
            said.insert(0, name)
        return ", ".join(said)

    @property
    def headline(self) -> str:
        """How it goes, or what came of it."""
        if self.state == Hunt.State.RUNNING:
            return _("Putting findings into the inbox") if self.stage else _("Searching the archive")
        if self.state != Hunt.State.DONE:
            return str(self.hunt.get_state_display())
        if self.is_about_syncing:
            return _("Nothing to preview")
        if self.replay:
            text = ngettext("%(count)s finding is in the inbox", "%(count)s findings are in the inbox", self.found)
        elif not self.found:
            return _("It would have found nothing")
        else:
            text = ngettext("It would have found %(count)s case", "It would have found %(count)s cases", self.found)
        return text % {"count": grouped(self.found)}

    @cached_property
    def sentences(self) -> list[str]:
        """Over which time, how many a month, and what it costs to look."""
        if self.is_about_syncing:
            return [_("This rule looks at how syncing is going now, which the archive does not record.")]
        if self.state != Hunt.State.DONE or self.hunt.finished_at is None:
            return []
        said = []
        if self.scope:
            said.append(_("Only a part of the archive was searched: %(part)s.") % {"part": self.scope})
        elif self._first_day:
            said.append(
                _("The whole archive was searched, from %(first)s to %(last)s.")
                % {"first": self._first_day, "last": f"{self.hunt.finished_at:%Y-%m-%d}"}
            )
        archived = ChainHead.objects.aggregate(total=Sum("seq"))["total"] or 0
        said.append(
            _("%(done)s of %(all)s events had to be examined.")
            % {"done": grouped(self.done), "all": grouped(max(archived, self.done))}
        )
        said += self._unknown_types()
        if (noise := self.noise) >= NOISY:
            said.append(
                _("In the last three months that is about %(count)s a month. Nobody reads that many: narrow the rule.")
                % {"count": grouped(noise)}
            )
        return said

    def _unknown_types(self) -> list[str]:
        """Which of the rule's types of event nobody knows: misspelled, or new at Nexmo."""
        asked = {
            code for selection in (self.rule.selections if self.rule else ()) for code in selection.event_types or ()
        }
        if not asked:
            return []
        known = {code.upper() for code in (*EVENT_TYPES, *EventType.objects.values_list("code", flat=True))}
        said = []
        for code in sorted(asked - known)[:MOST_UNKNOWN]:
            text = _("No event type %(code)s is known.") % {"code": code}
            if near := difflib.get_close_matches(code, sorted(known), n=1):
                text = " ".join((text, _("Did you mean %(near)s?") % {"near": near[0]}))
            said.append(text)
        return said

    @property
    def noise(self) -> int:
        """How many there were a month, of the last three."""
        return round(sum(month.findings for month in self.months[-3:]) / 3)

    @cached_property
    def _first_day(self) -> date | None:
        """The day of the archive's first event."""
        first: datetime | None = (
            AuditEvent.objects.order_by("created_at", "pk").values_list("created_at", flat=True).first()
        )
        return first.date() if first else None

    @cached_property
    def months(self) -> list[Month]:
        """The last months, those without findings too. Nothing where nothing was found."""
        counts = dict(self._result.get("months", ()))
        if not counts or self.hunt.finished_at is None:
            return []
        last = max(max(counts), f"{self.hunt.finished_at:%Y-%m}")
        year, month = map(int, last.split("-"))
        titles = [last]
        while len(titles) < MOST_MONTHS and titles[-1] > min(counts):
            year, month = (year, month - 1) if month > 1 else (year - 1, 12)
            titles.append(f"{year:04}-{month:02}")
        shown = [Month(title, counts.get(title, 0)) for title in reversed(titles)]
        earlier = sum(counts.values()) - sum(month.findings for month in shown)
        return [Month(_("earlier"), earlier), *shown] if earlier else shown

    @property
    def busiest(self) -> int:
        return max((month.findings for month in self.months), default=1)

    @cached_property
    def newest(self) -> list[Shown]:
        """The newest findings, with their first events."""
        listed = self._result.get("newest", ())
        keys = {key for one in listed for key in one["accounts"]}
        accounts = _accounts(keys)
        return [_shown(one, accounts, steps_of(self.rule)) for one in listed]


def _accounts(keys: set[int]) -> dict[int, tuple[str, str]]:
    """API key and name, by primary key."""
    rows = NexmoAccount.objects.filter(pk__in=keys).values_list("pk", "api_key", "name")
    return {pk: (api_key, name) for pk, api_key, name in rows}


def _shown(one: dict[str, Any], accounts: dict[int, tuple[str, str]], steps: dict[str, str]) -> Shown:
    events = [_event(event, accounts, steps) for event in one["events"]]
    return Shown(
        datetime.fromisoformat(one["first_at"]),
        datetime.fromisoformat(one["last_at"]),
        [(name, named_value(name, value)) for name, value in one["group"].items()],
        events[:IN_SIGHT],
        events[IN_SIGHT:],
        one["more"],
    )


def _event(event: dict[str, Any], accounts: dict[int, tuple[str, str]], steps: dict[str, str]) -> Event:
    api_key, name = accounts.get(event["account"], ("", ""))
    code = event["event_type"]
    return Event(
        datetime.fromisoformat(event["at"]),
        type_words(code) or code,
        name,
        steps.get(event["step"], event["step"]),
        reverse("events:event", args=[api_key, event["event_id"]]) if api_key else "",
    )
