"""The entries of the access log."""

from __future__ import annotations

import json
from typing import Any, ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.access.words import Action, Kind, Via


class AccessEntry(models.Model):
    """Somebody did something. Everything is written as it was then, so that an entry outlives whatever it speaks of.

    Entries are written by `record.add` alone; the database refuses to change them, and lets them go only by retention.
    """

    at = models.DateTimeField(_("time"))
    action = models.CharField(_("action"), max_length=24, choices=Action.choices)
    kind = models.CharField(_("what"), max_length=24, choices=Kind.choices)
    object_id = models.CharField(max_length=300, blank=True)
    object_name = models.CharField(max_length=200, blank=True)
    accounts = models.TextField(blank=True, help_text=_("API keys, in commas; empty: no account in particular."))
    person = models.CharField(_("person"), max_length=150, blank=True, help_text=_("The username; empty: unknown."))
    person_pk = models.BigIntegerField(null=True)
    via = models.CharField(_("by"), max_length=16, choices=Via.choices)
    via_id = models.CharField(
        max_length=64, blank=True, help_text=_("A digest of the session, a token's identifier, or a command's name.")
    )
    address = models.CharField(_("address"), max_length=45, blank=True)
    agent = models.CharField(max_length=200, blank=True, help_text=_("What the browser or program calls itself."))
    status = models.PositiveSmallIntegerField(null=True, help_text=_("Of the answer; empty for commands."))
    request_id = models.CharField(max_length=64, blank=True, help_text=_("As in the log of the process."))
    detail = models.TextField(blank=True, help_text=_("More, as JSON: the filter, numbers of rows, changed fields."))
    record_hash = models.CharField(max_length=64, help_text=_("SHA-256 of all the above."))

    objects: ClassVar[Any] = models.Manager()

    class Meta:
        verbose_name = _("entry of the access log")
        verbose_name_plural = _("entries of the access log")
        ordering = ("-at", "-id")
        default_permissions = ("view",)
        indexes = (
            models.Index(fields=("at", "id"), name="access_time"),
            models.Index(fields=("person", "at", "id"), name="access_person_time"),
            models.Index(fields=("person_pk", "at", "id"), name="access_person_pk_time"),
            models.Index(fields=("action", "at", "id"), name="access_action_time"),
            models.Index(fields=("kind", "at", "id"), name="access_kind_time"),
        )

    def __str__(self) -> str:
        return f"{self.person} {self.action} {self.kind} {self.object_id}".strip()

    @property
    def details(self) -> dict[str, Any]:
        """What is told beside the columns."""
        read: dict[str, Any] = json.loads(self.detail) if self.detail else {}
        return read

    @property
    def api_keys(self) -> list[str]:
        return [key for key in self.accounts.split(",") if key]
