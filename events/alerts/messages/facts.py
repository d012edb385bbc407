"""What can be told of a finding to those who see some of its accounts: of these accounts alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.urls import reverse

from events.detection.rules import known_rules
from events.masking import mask, shown_value
from events.models import AuditEvent, FindingAccount, FindingEvent
from events.reading.standing import standing_of
from events.wording.codes import type_words
from events.wording.sentences import plain_sentence

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from accounts.models import NexmoAccount
    from events.detection.sigma.rule import Advice
    from events.models import Finding
    from events.reading.standing import Standing

MOST_EVENTS = 50
COLUMNS = (
    "event_id",
    "event_type",
    "event_type_description",
    "created_at",
    "user_email",
    "source",
    "source_ip",
    "source_country",
)


def address(path: str) -> str:
    """A path of this site as people open it from elsewhere."""
    return f"{settings.SITE_URL}{path}"


def finding_path(pk: int) -> str:
    """Where a finding is read."""
    return reverse("events:finding", args=[pk])


@dataclass(frozen=True)
class Event:
    """An event as it is told."""

    account: NexmoAccount
    values: dict[str, Any]  # COLUMNS
    step: str = ""
    context: Any = None

    @property
    def said(self) -> str:
        """What happened, as the site's own pages say it: foreign text."""
        code, described = self.values["event_type"], self.values["event_type_description"]
        return plain_sentence(code, shown_value(self.context)) or type_words(code, described) or code

    @property
    def url(self) -> str:
        return address(reverse("events:event", args=[self.account.api_key, self.values["event_id"]]))


@dataclass(frozen=True)
class Facts:
    """A finding as far as some may see it.

    Attributes:
        parts: of these accounts alone, and so are count and all times.
        events: the first of them; those that retention removed are left out.
    """

    finding: Finding
    parts: list[FindingAccount]
    accounts: dict[int, NexmoAccount]
    events: list[Event] = field(default_factory=list)
    advice: Advice | None = None
    dashboard: str = ""

    @cached_property
    def standing(self) -> Standing:
        """How it stands for those who see these accounts."""
        return standing_of(self.parts)

    @property
    def title(self) -> str:
        return self.advice.title if self.advice else self.finding.title

    @property
    def url(self) -> str:
        return address(finding_path(self.finding.pk))

    @property
    def count(self) -> int:
        return sum(part.event_count for part in self.parts)

    @property
    def found_at(self) -> datetime:
        return min(part.found_at for part in self.parts)

    @property
    def first_at(self) -> datetime:
        return min(part.first_at for part in self.parts)

    @property
    def last_at(self) -> datetime:
        return max(part.last_at for part in self.parts)

    def different(self, column: str) -> list[str]:
        """The values that its events have in a column, each once."""
        return list(dict.fromkeys(str(event.values[column]) for event in self.events if event.values[column]))


def facts_of(finding: Finding, accounts: Iterable[NexmoAccount]) -> Facts | None:
    """What those who see these accounts may be told, in the language that is active; None where that is nothing."""
    visible = {account.pk: account for account in accounts}
    parts = [
        part
        for part in FindingAccount.objects.filter(finding=finding).order_by("first_at", "account_id")
        if part.account_id in visible
    ]
    if not parts:
        return None
    told = {part.account_id for part in parts}
    evidence = list(
        FindingEvent.objects.filter(finding=finding, account__in=told)
        .order_by("created_at", "id")
        .values_list("event", "account", "step")[:MOST_EVENTS]
    )
    rule = known_rules.rule_of(finding.rule)
    return Facts(
        finding,
        parts,
        visible,
        events_by_keys([(pk, account, step) for pk, account, step in evidence], visible),
        known_rules.advice_of(rule),
        rule.dashboard if rule else "",
    )


def events_by_keys(keys: list[tuple[int, int, str]], visible: dict[int, NexmoAccount]) -> list[Event]:
    """Events of visible accounts by their keys (event, account, step), in this order."""
    rows = {
        row["pk"]: row
        for row in AuditEvent.objects.filter(pk__in=[pk for pk, _, _ in keys], account__in=visible).values(
            "pk", "account_id", "context", *COLUMNS
        )
    }
    return [
        Event(
            visible[account],
            {name: _told(rows[pk][name]) for name in COLUMNS},
            step,
            rows[pk]["context"],
        )
        for pk, account, step in keys
        if pk in rows and rows[pk]["account_id"] == account
    ]


def _told(value: Any) -> Any:
    return mask(value) if isinstance(value, str) else value
