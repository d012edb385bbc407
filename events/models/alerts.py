"""Who wants to hear of what, through which channel, and what was sent.

Channels and subscriptions belong to one person or to one team. Written by `events.alerts` only; the counters of
channels and the states of deliveries by `events.alerts.outcome`.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any, ClassVar

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.fields import EncryptedTextField
from accounts.models import NexmoAccount
from accounts.validators import name_validator
from events.fields import JSONTextField
from events.models.detection import Finding, Severity
from events.models.held import Held, HeldQuerySet, one_holder
from events.models.view import SavedView

if TYPE_CHECKING:
    pass

DAY = 24 * 60  # minutes


def new_delivery_key() -> str:
    """What receivers know a message by, however often it is sent."""
    return f"msg_{secrets.token_hex(16)}"


class Channel(Held):
    """Where alerts are sent: an address with its secrets, and how sending has been going."""

    class Kind(models.TextChoices):
        MAIL = "mail", _("E-mail")
        SLACK = "slack", _("Slack")
        TEAMS = "teams", _("Microsoft Teams")
        PAGERDUTY = "pagerduty", _("PagerDuty")
        WEBHOOK = "webhook", _("Webhook")
        OTHER = "other", _("Another service")

    name = models.CharField(_("name"), max_length=80, validators=[name_validator])
    kind = models.CharField(_("kind"), max_length=10, choices=Kind.choices)
    address = EncryptedTextField(help_text=_("Where messages go: an e-mail address, a URL or a key."))
    shown = models.CharField(max_length=200, help_text=_("The part of the address that contains no secret."))
    secret = EncryptedTextField(blank=True, default="", help_text=_("What webhooks are signed with: whsec_..."))
    old_secret = EncryptedTextField(blank=True, default="", help_text=_("Still signs while receivers switch over."))
    old_secret_until = models.DateTimeField(null=True)
    language = models.CharField(
        _("language"), max_length=10, blank=True, help_text=_("Of a team's channel; people have their own.")
    )
    time_zone = models.CharField(_("time zone"), max_length=64, blank=True)

    failures = models.PositiveIntegerField(default=0, help_text=_("In a row."))
    problem = models.CharField(max_length=300, blank=True, help_text=_("Why the last one failed."))
    retry_at = models.DateTimeField(null=True, help_text=_("No attempt is made before this."))
    paused_at = models.DateTimeField(null=True, help_text=_("Stopped after too many failures in a row."))
    last_sent_at = models.DateTimeField(null=True)
    last_failed_at = models.DateTimeField(null=True)
    sent_count = models.PositiveBigIntegerField(default=0)
    failed_count = models.PositiveBigIntegerField(default=0, help_text=_("Attempts that failed."))
    lost_count = models.PositiveBigIntegerField(default=0, help_text=_("Messages given up."))

    class Meta:
        verbose_name = _("alert channel")
        ordering = ("name", "id")
        constraints = (one_holder("channel_of_one"),)

    def __str__(self) -> str:
        return self.name


class Subscription(Held):
    """What is told through a channel, and when."""

    class What(models.TextChoices):
        SEVERITY = "severity", _("Findings of a severity or above")
        RULE = "rule", _("Findings of one rule")
        VIEW = "view", _("New events of a saved view")

    class Pace(models.TextChoices):
        AT_ONCE = "at_once", _("At once")
        HOURLY = "hourly", _("Hourly digest")
        DAILY = "daily", _("Daily digest")

    channel = models.ForeignKey(
        Channel, verbose_name=_("channel"), on_delete=models.CASCADE, related_name="subscriptions"
    )
    what = models.CharField(_("what"), max_length=10, choices=What.choices)
    severity = models.PositiveSmallIntegerField(_("severity"), choices=Severity.choices, default=Severity.MEDIUM)
    rule = models.CharField(_("rule"), max_length=36, blank=True)
    rule_title = models.CharField(max_length=200, blank=True, help_text=_("When it was chosen."))
    view = models.ForeignKey(
        SavedView, verbose_name=_("view"), on_delete=models.CASCADE, null=True, blank=True, related_name="+"
    )
    all_accounts = models.BooleanField(_("all accounts"), default=True)
    accounts = models.ManyToManyField(NexmoAccount, blank=True, related_name="+")
    pace = models.CharField(_("when"), max_length=8, choices=Pace.choices, default=Pace.AT_ONCE)
    daily_at = models.TimeField(_("daily at"), null=True, blank=True)
    quiet_from = models.TimeField(_("quiet from"), null=True, blank=True)
    quiet_until = models.TimeField(_("quiet until"), null=True, blank=True)
    critical_always = models.BooleanField(_("send critical findings even then"), default=True)
    remind_every = models.PositiveIntegerField(
        _("remind every (minutes)"),
        null=True,
        blank=True,
        validators=[MinValueValidator(5), MaxValueValidator(7 * DAY)],
    )
    escalate_after = models.PositiveIntegerField(
        _("escalate after (minutes)"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(7 * DAY)],
    )
    escalate_to = models.ForeignKey(
        Channel, verbose_name=_("escalate to"), on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    problem = models.CharField(max_length=300, blank=True, help_text=_("Why it sends nothing."))

    class Meta:
        verbose_name = _("alert subscription")
        ordering = ("id",)
        constraints = (
            one_holder("subscription_of_one"),
            models.CheckConstraint(condition=~Q(what="view") | Q(view__isnull=False), name="subscription_has_view"),
            models.CheckConstraint(condition=~Q(what="rule") | ~Q(rule=""), name="subscription_has_rule"),
        )

    def __str__(self) -> str:
        return f"{self.pk}: {self.what}"

    @property
    def title(self) -> str:
        """What it tells, in words."""
        if self.what == self.What.RULE:
            return self.rule_title or self.rule
        if self.what == self.What.VIEW and self.view:
            return self.view.name
        return str(Severity(self.severity).label)


class SubscriptionCursor(models.Model):
    """Up to which event of an account's chain a view's subscription has been looked at."""

    subscription = models.ForeignKey(Subscription, on_delete=models.CASCADE, related_name="cursors", db_index=False)
    account = models.ForeignKey(NexmoAccount, on_delete=models.CASCADE, related_name="+")
    seq = models.PositiveBigIntegerField()

    objects: ClassVar[Any] = models.Manager()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("subscription", "account"), name="subscription_account_once"),)

    def __str__(self) -> str:
        return f"{self.subscription_id}, {self.account_id}: {self.seq}"


class DeliveryQuerySet(HeldQuerySet):
    """Whose log is whose: that of the channel's."""

    prefix = "channel__"


class Delivery(models.Model):
    """One message through one channel. What it says is made when it is sent, of what its receivers may see then."""

    class Kind(models.TextChoices):
        OPENED = "opened", _("New finding")
        EXTENDED = "extended", _("Events added")
        REMINDER = "reminder", _("Reminder")
        ESCALATED = "escalated", _("Escalation")
        DIGEST = "digest", _("Digest")
        VIEW = "view", _("New events of a view")
        TEST = "test", _("Test")

    class State(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        SENT = "sent", _("Sent")
        FAILED = "failed", _("Failed")
        DROPPED = "dropped", _("Not needed")

    key = models.CharField(max_length=40, unique=True, default=new_delivery_key)
    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="deliveries")
    subscription = models.ForeignKey(
        Subscription, on_delete=models.CASCADE, null=True, related_name="deliveries", db_index=False
    )
    finding = models.ForeignKey(Finding, on_delete=models.CASCADE, null=True, related_name="+")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    occasion = models.CharField(max_length=80, help_text=_("With subscription and finding: what it is sent for."))
    content = JSONTextField(null=True, help_text=_("Keys of events, where it is about events of a view."))
    created_at = models.DateTimeField()
    due_at = models.DateTimeField()
    lease_until = models.DateTimeField(null=True)
    lease_owner = models.CharField(max_length=100, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    status = models.PositiveIntegerField(null=True, help_text=_("The last answer's code."))
    problem = models.CharField(max_length=300, blank=True)
    finished_at = models.DateTimeField(null=True)
    remind_at = models.DateTimeField(null=True, help_text=_("When a reminder follows, unless acknowledged."))
    escalate_at = models.DateTimeField(null=True)

    objects: ClassVar[Any] = DeliveryQuerySet.as_manager()

    class Meta:
        verbose_name = _("alert delivery")
        verbose_name_plural = _("alert deliveries")
        ordering = ("-created_at", "-id")
        constraints = (
            models.UniqueConstraint(fields=("subscription", "finding", "occasion"), name="delivery_once"),
            models.UniqueConstraint(
                fields=("subscription", "occasion"), condition=Q(finding=None), name="delivery_once_without_finding"
            ),
        )
        indexes = (
            models.Index(fields=("due_at", "id"), condition=Q(state="waiting"), name="delivery_due"),
            models.Index(fields=("channel", "due_at", "id"), condition=Q(state="waiting"), name="delivery_channel_due"),
            models.Index(fields=("created_at", "id"), name="delivery_time"),
            models.Index(fields=("remind_at",), condition=Q(remind_at__isnull=False), name="delivery_remind"),
            models.Index(fields=("escalate_at",), condition=Q(escalate_at__isnull=False), name="delivery_escalate"),
        )

    def __str__(self) -> str:
        return f"{self.key}: {self.kind}, {self.state}"


class DigestItem(models.Model):
    """What one digest is to tell: a finding, or events of a view."""

    delivery = models.ForeignKey(Delivery, on_delete=models.CASCADE, related_name="items", db_index=False)
    finding = models.ForeignKey(Finding, on_delete=models.CASCADE, null=True, related_name="+")
    content = JSONTextField(null=True)

    objects: ClassVar[Any] = models.Manager()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("delivery", "finding"), name="digest_finding_once"),)

    def __str__(self) -> str:
        return f"{self.delivery_id}: {self.finding_id}"
