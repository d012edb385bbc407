"""Reports: a saved view as a digest by e-mail, to one person or to everybody in a team, and what was sent of each.

Written by `events.reports` only; what became of a mail by `events.reports.outcome`.
"""

from __future__ import annotations

import secrets
from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from events.models.held import Held, HeldQuerySet, one_holder
from events.models.view import SavedView
from events.wording.schedule import Frequency


def new_mail_key() -> str:
    """What a mail's Message-ID is made of, however often it is sent."""
    return secrets.token_hex(16)


class Report(Held):
    """What is sent of a view, how often, and how that has been going. A person's goes to that person; a team's to each
    of its members, with what that member may see."""

    view = models.ForeignKey(SavedView, verbose_name=_("view"), on_delete=models.CASCADE, related_name="+")
    frequency = models.CharField(_("how often"), max_length=10, choices=Frequency.choices, default=Frequency.WEEKLY)
    at = models.TimeField(_("time of day"), help_text=_("In the zone of each receiver."))
    attach_csv = models.BooleanField(_("attach the events as CSV"), default=True)
    starts_at = models.DateTimeField(help_text=_("What was due before this is not sent."))
    look_at = models.DateTimeField(db_index=True, help_text=_("When the worker next looks who is due."))
    looked_at = models.DateTimeField(help_text=_("When it last did; what was due earlier is written down."))
    sent_count = models.PositiveBigIntegerField(default=0)
    failed_count = models.PositiveBigIntegerField(default=0, help_text=_("Attempts that failed."))
    lost_count = models.PositiveBigIntegerField(default=0, help_text=_("Mails given up."))
    last_sent_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("report")
        ordering = ("view__name", "id")
        constraints = (one_holder("report_of_one"),)

    def __str__(self) -> str:
        return f"{self.pk}: {self.frequency}"


class ReportStop(models.Model):
    """Somebody who does not want a report any more."""

    report = models.ForeignKey(Report, on_delete=models.CASCADE, related_name="stops", db_index=False)
    receiver = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    at = models.DateTimeField()

    objects: ClassVar[Any] = models.Manager()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("report", "receiver"), name="report_stop_once"),)

    def __str__(self) -> str:
        return f"{self.report_id}, {self.receiver_id}"


class ReportMailQuerySet(HeldQuerySet):
    """Whose mails are whose: those of the report's holder."""

    prefix = "report__"


class ReportMail(models.Model):
    """One mail to one receiver about one period. What it says is made when it is sent."""

    class State(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        SENT = "sent", _("Sent")
        FAILED = "failed", _("Failed")
        DROPPED = "dropped", _("Not needed")

    key = models.CharField(max_length=40, unique=True, default=new_mail_key)
    report = models.ForeignKey(Report, on_delete=models.CASCADE, related_name="mails", db_index=False)
    receiver = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    is_preview = models.BooleanField(default=False, help_text=_("Asked for by hand, to see what it looks like."))
    frequency = models.CharField(max_length=10, choices=Frequency.choices)
    # By its first day and not by its first instant: whoever moves to another zone has had that week.
    first_day = models.DateField()
    last_day = models.DateField()
    missed = models.PositiveIntegerField(default=0, help_text=_("Earlier ones that fell due while no worker ran."))
    created_at = models.DateTimeField()
    due_at = models.DateTimeField()
    attempts = models.PositiveSmallIntegerField(default=0)
    # Set just before the server is asked, and cleared when it has answered: whoever finds it set knows that somebody
    # ended in between.
    begun_at = models.DateTimeField(null=True)
    interruptions = models.PositiveSmallIntegerField(default=0, help_text=_("Attempts whose end is not known."))
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    problem = models.CharField(max_length=300, blank=True)
    finished_at = models.DateTimeField(null=True)

    objects: ClassVar[Any] = ReportMailQuerySet.as_manager()

    class Meta:
        verbose_name = _("report mail")
        ordering = ("-created_at", "-id")
        constraints = (
            models.UniqueConstraint(
                fields=("report", "receiver", "frequency", "first_day"),
                condition=Q(is_preview=False),
                name="report_mail_once",
            ),
        )
        indexes = (
            models.Index(fields=("due_at", "id"), condition=Q(state="waiting"), name="report_mail_due"),
            models.Index(fields=("report", "created_at", "id"), name="report_mail_time"),
        )

    def __str__(self) -> str:
        return f"{self.key}: {self.first_day}, {self.state}"
