"""Where events and findings are sent as they are archived, and how far each destination has taken them.

Streams belong to one person or to one team, and send what that holder may see at the time. Written by `events.streams`
only: cursors and states by `events.streams.progress`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts import permissions
from accounts.fields import EncryptedTextField
from accounts.models import NexmoAccount
from accounts.validators import name_validator
from events.fields import JSONTextField
from events.models.held import Held, HeldQuerySet, one_holder
from events.models.view import SavedView

if TYPE_CHECKING:
    from accounts.models import AnyUser


class StreamQuerySet(HeldQuerySet):
    """Streams leave the site: also one's own needs the permission."""

    permission = permissions.MANAGE_STREAMS

    def changeable_by(self, user: AnyUser) -> Self:
        return self.visible_to(user) if user.has_perm(self.permission) else self.none()  # type: ignore[union-attr]


class Stream(Held):
    """One destination with its secrets, what goes there, and how that has been going."""

    class Kind(models.TextChoices):
        WEBHOOK = "webhook", _("Webhook")
        SPLUNK = "splunk", _("Splunk HTTP Event Collector")
        BULK = "bulk", _("Elasticsearch or OpenSearch")
        SYSLOG = "syslog", _("Syslog over TLS")
        FILES = "files", _("Files")

    class Contents(models.TextChoices):
        EVENTS = "events", _("Events")
        FINDINGS = "findings", _("Findings")
        ACCESS = "access", _("Access log")

    class Format(models.TextChoices):
        RAW = "raw", _("As received")
        FLAT = "flat", _("Flat")
        ECS = "ecs", _("ECS")
        OCSF = "ocsf", _("OCSF")

    class Start(models.TextChoices):
        NOW = "now", _("With new events only")
        DATE = "date", _("With events since a date")
        BEGINNING = "beginning", _("With the first event in the archive")

    name = models.CharField(_("name"), max_length=80, validators=[name_validator])
    kind = models.CharField(_("kind"), max_length=10, choices=Kind.choices)
    contents = models.CharField(_("contents"), max_length=10, choices=Contents.choices, default=Contents.EVENTS)
    format = models.CharField(_("format"), max_length=10, choices=Format.choices, default=Format.FLAT)
    address = EncryptedTextField(help_text=_("Where it is sent, with whatever secret the address holds."))
    shown = models.CharField(max_length=200, help_text=_("The part of the address that contains no secret."))
    secret = EncryptedTextField(blank=True, default="", help_text=_("What it is signed or authenticated with."))
    options = JSONTextField(default=dict, blank=True, help_text=_("What its kind needs besides, such as an index."))

    narrowed = models.BooleanField(default=False, help_text=_("A view says which events; without it none are sent."))
    view = models.ForeignKey(
        SavedView, verbose_name=_("view"), on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    all_accounts = models.BooleanField(_("all accounts"), default=True)
    accounts = models.ManyToManyField(NexmoAccount, blank=True, related_name="+")
    start = models.CharField(_("start"), max_length=10, choices=Start.choices, default=Start.NOW)
    since = models.DateTimeField(_("since"), null=True, blank=True, help_text=_("Events before this are not sent."))

    lease_until = models.DateTimeField(null=True)
    lease_owner = models.CharField(max_length=100, blank=True)
    failures = models.PositiveIntegerField(default=0, help_text=_("In a row."))
    problem = models.CharField(
        max_length=300, blank=True, help_text=_("Why nothing is sent, or the last attempt failed.")
    )
    status = models.PositiveIntegerField(null=True, help_text=_("The last answer's code."))
    retry_at = models.DateTimeField(null=True, help_text=_("No attempt is made before this."))
    paused_at = models.DateTimeField(null=True, help_text=_("By a person, or because the receiver refused for good."))
    last_sent_at = models.DateTimeField(null=True)
    last_failed_at = models.DateTimeField(null=True)
    test_asked_at = models.DateTimeField(null=True)
    tested_at = models.DateTimeField(null=True)
    test_problem = models.CharField(max_length=300, blank=True, help_text=_("Empty: it was taken."))
    sent_count = models.PositiveBigIntegerField(default=0, help_text=_("Events or findings that were taken."))
    failed_count = models.PositiveBigIntegerField(default=0, help_text=_("Attempts that failed."))
    refused_count = models.PositiveBigIntegerField(default=0, help_text=_("Events that the receiver refused for good."))

    objects: ClassVar[Any] = StreamQuerySet.as_manager()

    class Meta:
        ordering = ("name", "id")
        constraints = (one_holder("stream_of_one"),)
        permissions = (("manage_stream", "Can set up streams of events to other systems"),)

    def __str__(self) -> str:
        return self.name


class StreamCursor(models.Model):
    """Up to where a stream's destination has taken an account's events; or, without an account, the findings."""

    stream = models.ForeignKey(Stream, on_delete=models.CASCADE, related_name="cursors", db_index=False)
    account = models.ForeignKey(NexmoAccount, on_delete=models.CASCADE, null=True, related_name="+")
    seq = models.PositiveBigIntegerField(help_text=_("In the account's chain; of findings, the key of a change."))
    sent_seq = models.PositiveBigIntegerField(default=0, help_text=_("Of the last event that was sent."))
    replay_upto = models.PositiveBigIntegerField(default=0, help_text=_("Up to here, only what a replay asks for."))
    replay_since = models.DateTimeField(null=True, help_text=_("Events before this are not sent again."))
    moved_at = models.DateTimeField(null=True)

    objects: ClassVar[Any] = models.Manager()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("stream", "account"), name="stream_account_once"),
            models.UniqueConstraint(fields=("stream",), condition=Q(account=None), name="stream_findings_once"),
        )

    def __str__(self) -> str:
        return f"{self.stream_id}, {self.account_id}: {self.seq}"


class StreamRefusal(models.Model):
    """An event that a destination refused for good while it took others: the stream went on, and this is kept."""

    stream = models.ForeignKey(Stream, on_delete=models.CASCADE, related_name="refusals", db_index=False)
    account = models.ForeignKey(NexmoAccount, on_delete=models.CASCADE, null=True, related_name="+")
    seq = models.PositiveBigIntegerField()
    at = models.DateTimeField()
    problem = models.CharField(max_length=300)

    objects: ClassVar[Any] = models.Manager()

    class Meta:
        ordering = ("-at", "-id")
        constraints = (models.UniqueConstraint(fields=("stream", "account", "seq"), name="stream_refusal_once"),)

    def __str__(self) -> str:
        return f"{self.stream_id}, {self.account_id}, {self.seq}: {self.problem}"
