"""The rules that people wrote themselves, those they switched, and what a rule would find.

Written by `events.detection` only.
"""

from __future__ import annotations

from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.validators import name_validator
from events.fields import JSONTextField


class OwnRule(models.Model):
    """A rule that people of this site wrote; versions keep what it said before."""

    uid = models.CharField(max_length=36, unique=True, help_text=_("The id in its YAML, a UUID."))
    title = models.CharField(max_length=200, validators=[name_validator])
    text = models.TextField(help_text=_("Sigma, as YAML."))
    is_enabled = models.BooleanField(_("enabled"), default=False)
    version = models.PositiveIntegerField(default=1)
    changed_at = models.DateTimeField()
    changed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")

    objects: ClassVar[Any] = models.Manager()

    class Meta:
        verbose_name = _("detection rule")
        ordering = ("title", "id")

    def __str__(self) -> str:
        return self.title


class OwnRuleVersion(models.Model):
    """One version of a rule, as it was saved."""

    rule = models.ForeignKey(OwnRule, on_delete=models.CASCADE, related_name="versions")
    version = models.PositiveIntegerField()
    text = models.TextField()
    is_enabled = models.BooleanField()
    changed_at = models.DateTimeField()
    changed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")

    objects: ClassVar[Any] = models.Manager()

    class Meta:
        ordering = ("-version",)
        constraints = (models.UniqueConstraint(fields=("rule", "version"), name="rule_version_once"),)

    def __str__(self) -> str:
        return f"{self.rule_id} v{self.version}"


class RuleSwitch(models.Model):
    """A shipped rule, or one from DETECTION_RULES, that somebody switched off, or on again."""

    uid = models.CharField(max_length=36, unique=True)
    is_enabled = models.BooleanField()
    changed_at = models.DateTimeField()
    changed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")

    objects: ClassVar[Any] = models.Manager()

    class Meta:
        verbose_name_plural = _("rule switches")

    def __str__(self) -> str:
        return f"{self.uid}: {'on' if self.is_enabled else 'off'}"


class Hunt(models.Model):
    """A rule tried over the whole archive by the worker: what it would find, before anything is saved."""

    class State(models.TextChoices):
        WAITING = "waiting", _("Waiting for a worker")
        RUNNING = "running", _("In progress")
        DONE = "done", _("Done")
        FAILED = "failed", _("Failed")

    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    requested_at = models.DateTimeField()
    text = models.TextField(help_text=_("The rule's YAML."))
    replay = models.BooleanField(default=False, help_text=_("Whether its findings go to the inbox."))
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    done = models.PositiveBigIntegerField(default=0)
    total = models.PositiveBigIntegerField(null=True)
    found = models.PositiveIntegerField(default=0, help_text=_("How many findings there would be."))
    result = JSONTextField(null=True, help_text=_("The newest of them, with their events."))
    finished_at = models.DateTimeField(null=True)
    problem = models.TextField(blank=True)

    objects: ClassVar[Any] = models.Manager()

    class Meta:
        ordering = ("-requested_at", "-id")

    def __str__(self) -> str:
        return f"{self.pk}: {self.state}"
