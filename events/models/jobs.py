"""Work for the worker: what is to be done, when it is due, who is at it."""

from __future__ import annotations

from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone


class BackgroundJob(models.Model):
    """One piece of background work. There is one row for each kind and subject, however often it is asked for.

    Written by `events.operations.jobs` only. A job that succeeded is deleted; one that failed for good stays, with
    `failed_at` and the problem, until it is asked for again.
    """

    kind = models.CharField(max_length=40)
    subject = models.CharField(max_length=100, blank=True)
    payload = models.JSONField(default=dict, blank=True)
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    due_at = models.DateTimeField()
    lease_until = models.DateTimeField(null=True)
    lease_owner = models.CharField(max_length=100, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    done = models.PositiveBigIntegerField(default=0)
    total = models.PositiveBigIntegerField(null=True)
    problem = models.TextField(blank=True)
    failed_at = models.DateTimeField(null=True)

    objects: ClassVar[Any] = models.Manager()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("kind", "subject"), name="job_once"),)
        indexes = (models.Index(fields=("due_at",), condition=models.Q(failed_at=None), name="job_due"),)

    def __str__(self) -> str:
        return f"{self.kind} {self.subject}".strip()
