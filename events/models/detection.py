"""What detections found, who dealt with it, and how far they have come.

Written by `events.detection` only: its `evaluation` makes and extends findings, its `findings.triage` changes their
state for people.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts.models import NexmoAccount
from accounts.validators import text_validator
from events.fields import JSONTextField
from events.masking import named_value
from events.models.querysets import ScopedQuerySet

if TYPE_CHECKING:
    from accounts.models import AnyUser


class Severity(models.IntegerChoices):
    """A rule's level, as Sigma has them."""

    INFORMATIONAL = 0, _("Informational")
    LOW = 1, _("Low")
    MEDIUM = 2, _("Medium")
    HIGH = 3, _("High")
    CRITICAL = 4, _("Critical")


class FindingQuerySet(models.QuerySet["Finding"]):
    """Who may see which findings."""

    def visible_to(self, user: AnyUser) -> Self:
        """Findings with at least one account that the user may see. What else is in them stays hidden:
        see `FindingAccount`."""
        if NexmoAccount.objects.sees_all(user):
            return self.all()
        visible = NexmoAccount.objects.visible_to(user).order_by().values_list("pk", flat=True)
        parts = FindingAccount.objects.filter(finding=OuterRef("pk"), account__in=list(visible))
        return self.filter(Exists(parts))

    def unfinished(self) -> Self:
        """Those that somebody should still look at, or is looking at."""
        return self.filter(state__in=Finding.UNFINISHED)


class Finding(models.Model):
    """One match of a rule: the events that belong together, and what became of it.

    All that is shown of a finding over several accounts comes from its `FindingAccount` rows of the accounts that the
    reader may see. What people decided stands in those; here is what follows from all of them, for those who see all:
    see `events.reading.standing`.
    """

    class State(models.TextChoices):
        OPEN = "open", _("Open")
        ACKNOWLEDGED = "acknowledged", _("Acknowledged")
        RESOLVED = "resolved", _("Resolved")
        SUPPRESSED = "suppressed", _("Suppressed")
        # By the evaluation: with what arrived later the rule no longer matches, or another finding took its events.
        WITHDRAWN = "withdrawn", _("Withdrawn")

    class Resolution(models.TextChoices):
        TRUE_POSITIVE = "true", _("True positive")
        FALSE_POSITIVE = "false", _("False positive")
        BENIGN = "benign", _("Benign")

    UNFINISHED = (State.OPEN, State.ACKNOWLEDGED)

    key = models.CharField(
        max_length=64, unique=True, help_text=_("SHA-256 of rule, group and first event; a replay finds it again.")
    )
    rule = models.CharField(max_length=36, help_text=_("The rule's id, a UUID."))
    title = models.CharField(max_length=200, help_text=_("The rule's title when it was found."))
    severity = models.PositiveSmallIntegerField(choices=Severity.choices)
    group = JSONTextField(help_text=_("The values that its events share, by field."))
    details = JSONTextField(
        null=True, help_text=_("What the rule compared, for its story; nothing from an event's own fields.")
    )
    first_at = models.DateTimeField(help_text=_("Time of its first event, or when the condition began."))
    last_at = models.DateTimeField()
    event_count = models.PositiveIntegerField(default=0)
    found_at = models.DateTimeField()
    extended_at = models.DateTimeField(null=True, help_text=_("When events were added to it later."))
    # Of its parts together.
    state = models.CharField(max_length=12, choices=State.choices, default=State.OPEN)
    resolution = models.CharField(max_length=6, choices=Resolution.choices, blank=True)
    assigned_to = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+", db_index=False
    )
    acknowledged_at = models.DateTimeField(null=True)
    resolved_at = models.DateTimeField(null=True)
    routed_at = models.DateTimeField(null=True, help_text=_("When alerts were last derived from it."))

    accounts = models.ManyToManyField(NexmoAccount, through="FindingAccount", related_name="findings")

    objects: ClassVar[Any] = FindingQuerySet.as_manager()

    class Meta:
        verbose_name = _("finding")
        ordering = ("-found_at", "-id")
        permissions = (("triage_finding", "Can acknowledge, assign, resolve and suppress findings"),)
        indexes = (
            models.Index(fields=("found_at", "id"), name="finding_time"),
            models.Index(fields=("state", "found_at", "id"), name="finding_state_time"),
            models.Index(fields=("rule", "state", "found_at", "id"), name="finding_rule_state_time"),
            models.Index(fields=("severity", "state", "found_at", "id"), name="finding_severity_time"),
            models.Index(fields=("id",), condition=Q(routed_at=None), name="finding_unrouted"),
            models.Index(fields=("id",), condition=Q(extended_at__gt=F("routed_at")), name="finding_extended"),
        )

    def __str__(self) -> str:
        return f"#{self.pk} {self.title}"

    def get_absolute_url(self) -> str:
        return reverse("events:finding", args=[self.pk])


class FindingAccount(models.Model):
    """The part of a finding that lies in one account: all that those who see only this account are shown."""

    finding = models.ForeignKey(Finding, on_delete=models.CASCADE, related_name="parts", db_index=False)
    account = models.ForeignKey(NexmoAccount, on_delete=models.CASCADE, related_name="+", db_index=False)
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    event_count = models.PositiveIntegerField(default=0)
    # When the finding came to hold events of this account: later than the finding itself, where others had it first.
    found_at = models.DateTimeField()
    # As in the finding, so that an index serves one account's open findings, or those of a rule, in order.
    rule = models.CharField(max_length=36)
    severity = models.PositiveSmallIntegerField(choices=Severity.choices)
    # What those who may see this account have decided about it.
    state = models.CharField(max_length=12, choices=Finding.State.choices)
    resolution = models.CharField(max_length=6, choices=Finding.Resolution.choices, blank=True)
    assigned_to = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+", db_index=False
    )
    acknowledged_at = models.DateTimeField(null=True)
    resolved_at = models.DateTimeField(null=True)
    suppression = models.ForeignKey("Suppression", on_delete=models.SET_NULL, null=True, related_name="parts")

    objects: ClassVar[Any] = ScopedQuerySet.as_manager()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("finding", "account"), name="finding_account_once"),)
        indexes = (
            models.Index(fields=("account", "found_at", "finding"), name="part_account_time"),
            models.Index(fields=("account", "state", "found_at", "finding"), name="part_account_state_time"),
            models.Index(fields=("account", "state", "severity", "found_at", "finding"), name="part_account_severity"),
            models.Index(fields=("account", "rule", "state", "found_at", "finding"), name="part_account_rule_state"),
            models.Index(fields=("account", "rule", "found_at", "finding"), name="part_account_rule_time"),
            models.Index(fields=("account", "severity", "found_at", "finding"), name="part_account_severity_time"),
            models.Index(fields=("assigned_to", "found_at", "finding"), name="part_assignee_time"),
        )

    def __str__(self) -> str:
        return f"{self.finding_id}: {self.account_id}"


class FindingEvent(models.Model):
    """An event that led to a finding. The event itself may be gone by its account's retention."""

    finding = models.ForeignKey(Finding, on_delete=models.CASCADE, related_name="evidence", db_index=False)
    account = models.ForeignKey(NexmoAccount, on_delete=models.CASCADE, related_name="+", db_index=False)
    event = models.ForeignKey(
        "AuditEvent",
        on_delete=models.DO_NOTHING,
        related_name="+",
        db_constraint=False,
        db_index=False,
    )
    nexmo_id = models.CharField(max_length=255, help_text=_("Nexmo's id of the event."))
    created_at = models.DateTimeField(help_text=_("The event's own time."))
    step = models.CharField(max_length=100, blank=True, help_text=_("Which of a correlation's selections it matched."))

    objects: ClassVar[Any] = ScopedQuerySet.as_manager()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("finding", "event", "step"), name="finding_event_once"),)
        indexes = (models.Index(fields=("event", "finding"), name="finding_event_event"),)

    def __str__(self) -> str:
        return f"{self.finding_id}: {self.nexmo_id}"


class FindingChange(models.Model):
    """What was done with a finding, when and by whom. Only ever added."""

    class Action(models.TextChoices):
        FOUND = "found", _("Found")
        EXTENDED = "extended", _("Events added")
        ACKNOWLEDGED = "acknowledged", _("Acknowledged")
        ASSIGNED = "assigned", _("Assigned")
        RESOLVED = "resolved", _("Resolved")
        REOPENED = "reopened", _("Reopened")
        SUPPRESSED = "suppressed", _("Suppressed")
        WITHDRAWN = "withdrawn", _("Withdrawn")
        LEVELLED = "levelled", _("Severity changed with the rule")
        NOTED = "noted", _("Note added")

    finding = models.ForeignKey(Finding, on_delete=models.CASCADE, related_name="changes")
    at = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    by_name = models.CharField(
        max_length=150, blank=True, help_text=_("Kept when the person is gone; empty if it was the site.")
    )
    action = models.CharField(max_length=12, choices=Action.choices)
    details = models.CharField(max_length=200, blank=True, help_text=_("Such as the resolution, or to whom."))
    note = models.TextField(blank=True, validators=[text_validator])
    # Told to those who see one of the accounts that it concerns. Whoever sees less of the finding than its author did
    # is not told who it was, nor the note: see `events.detection.findings.sight`.
    accounts = JSONTextField(null=True, help_text=_("Keys of the accounts that it concerns; empty: all."))
    seen = JSONTextField(null=True, help_text=_("Keys of the accounts that its author saw, where these are more."))

    objects: ClassVar[Any] = models.Manager()

    class Meta:
        ordering = ("at", "id")

    def __str__(self) -> str:
        return f"{self.finding_id}: {self.action}"


class SuppressionQuerySet(models.QuerySet["Suppression"]):
    """Who may see which suppressions."""

    def visible_to(self, user: AnyUser) -> Self:
        """Those of accounts the user may see; those of all accounts only for who sees all, as their values may be of
        any account."""
        if NexmoAccount.objects.sees_all(user):
            return self.all()
        visible = NexmoAccount.objects.visible_to(user).order_by().values_list("pk", flat=True)
        return self.filter(account__in=list(visible))


class Suppression(models.Model):
    """Findings that need nobody's attention: those of a rule whose events share one to three values.

    They are found and kept all the same, in the state "suppressed".
    """

    rule = models.CharField(max_length=36, help_text=_("The rule's id, a UUID."))
    account = models.ForeignKey(
        NexmoAccount, on_delete=models.CASCADE, null=True, blank=True, related_name="+", help_text=_("Empty: all.")
    )
    fields = JSONTextField(help_text=_("One to three fields of findings' groups or events, each with its value."))
    starts_at = models.DateTimeField(null=True, blank=True, help_text=_("Empty: always."))
    expires_at = models.DateTimeField(null=True, blank=True, help_text=_("Empty: never."))
    reason = models.CharField(max_length=300, blank=True, validators=[text_validator])
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField()

    objects: ClassVar[Any] = SuppressionQuerySet.as_manager()

    class Meta:
        verbose_name = _("suppression")
        ordering = ("-created_at", "-id")

    def __str__(self) -> str:
        return f"{self.rule}: { ({name: named_value(name, value) for name, value in self.fields.items()}) }"


class DetectionCursor(models.Model):
    """Up to which event of an account's chain all rules have been evaluated."""

    account = models.OneToOneField(NexmoAccount, on_delete=models.CASCADE, primary_key=True, related_name="+")
    seq = models.PositiveBigIntegerField(default=0)
    began_at = models.DateTimeField(null=True, help_text=_("Time of the earliest of those events."))
    moved_at = models.DateTimeField(null=True)
    problem = models.TextField(blank=True, help_text=_("Which rules failed at the last evaluation, and why."))

    objects: ClassVar[Any] = ScopedQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.account_id}: {self.seq}"


class SeenField(models.Model):
    """Fields whose values are noted as they come, because a rule asks which were never seen before in an account.

    Made and filled by `events.detection.evaluation.seen` when a rule first asks.
    """

    account = models.ForeignKey(NexmoAccount, on_delete=models.CASCADE, related_name="+", db_index=False)
    what = models.CharField(max_length=64, help_text=_("SHA-256 of the fields, and of the types of event they are of."))
    seq = models.PositiveBigIntegerField(default=0, help_text=_("Up to which event of the chain they are noted."))

    objects: ClassVar[Any] = ScopedQuerySet.as_manager()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("account", "what"), name="seen_field_once"),)

    def __str__(self) -> str:
        return f"{self.account_id}: {self.seq}"


class SeenValue(models.Model):
    """The first event of an account with certain values. It stays when that event is removed: they were seen."""

    account = models.ForeignKey(NexmoAccount, on_delete=models.CASCADE, related_name="+", db_index=False)
    what = models.CharField(max_length=64)
    value = models.CharField(max_length=64, help_text=_("SHA-256 of the values."))
    event = models.PositiveBigIntegerField(help_text=_("The first event's primary key."))
    created_at = models.DateTimeField(help_text=_("The first event's own time."))

    objects: ClassVar[Any] = ScopedQuerySet.as_manager()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("account", "what", "value"), name="seen_value_once"),)

    def __str__(self) -> str:
        return f"{self.account_id}: {self.event}"
