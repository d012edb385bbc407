"""Who gets a report now, and how each of them reads."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib.auth.models import User
from django.utils import timezone, translation

from accounts.models import profile_of
from events.filters.saved import Openable
from events.models import Report, ReportStop, SavedView
from events.outbound.mail import deliverable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import tzinfo


@dataclass(frozen=True)
class Receiver:
    """Somebody who gets a report, in that person's own words and times."""

    user: User
    language: str
    zone: tzinfo

    @classmethod
    def of(cls, user: User) -> Receiver:
        profile = profile_of(user)
        known = profile.language in dict(settings.LANGUAGES)
        return cls(user, profile.language if known else settings.LANGUAGE_CODE, profile.zone)

    @property
    def address(self) -> str:
        """Where mail goes; "" where there is no address that mail could go to."""
        return deliverable(self.user.email)

    @contextlib.contextmanager
    def reading(self) -> Iterator[None]:
        """Words and times as this reader has them."""
        with translation.override(self.language), timezone.override(self.zone):
            yield


def may_be_sent(report: Report) -> bool:
    """Whether the report's holder may still open its view: a team's must be shared with it, and what its filter names
    is asked for each member; a person must see all accounts that it names."""
    if report.team_id:
        return report.view.team_id == report.team_id
    owner: User = report.owner  # type: ignore[assignment]  # one of the two holds it
    is_visible = SavedView.objects.visible_to(owner).filter(pk=report.view_id).exists()
    return is_visible and Openable(owner)(report.view.owner_id, report.view.query)


def receivers_of(report: Report) -> list[Receiver]:
    """Everybody who gets the report now, with or without an address: those for whom it is, without those who have
    stopped it."""
    stopped = set(ReportStop.objects.filter(report=report).values_list("receiver", flat=True))
    return [receiver for receiver in meant_for(report) if receiver.user.pk not in stopped]


def meant_for(report: Report) -> list[Receiver]:
    """For whom the report is: the holder, or the team's members, as far as they can log in; nobody, where its view is
    not theirs to open any more."""
    if not may_be_sent(report):
        return []
    people = User.objects.filter(is_active=True)
    people = people.filter(groups=report.team_id) if report.team_id else people.filter(pk__in=[report.owner_id])
    return [Receiver.of(user) for user in people.select_related("profile").order_by("username")]


def receiver_among(report: Report, user: int, *, is_preview: bool) -> Receiver | None:
    """This person, if the report still goes there. Whoever asks for a preview gets that one, stopped or not, and
    in the team or not: a superuser may look after a team's reports from outside."""
    if is_preview:
        asking = User.objects.filter(pk=user, is_active=True).select_related("profile").first()
        may_see = asking and may_be_sent(report) and Report.objects.visible_to(asking).filter(pk=report.pk).exists()
        return Receiver.of(asking) if asking and may_see else None
    return next((receiver for receiver in receivers_of(report) if receiver.user.pk == user), None)
