"""Evidence packs that people asked for: made by the worker, fetched while they last."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any, ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts import permissions
from accounts.models import NexmoAccount

if TYPE_CHECKING:
    from accounts.models import AnyUser


class EvidencePackQuerySet(models.QuerySet["EvidencePack"]):
    """Whose packs are whose."""

    def visible_to(self, user: AnyUser) -> Self:
        """Packs the user asked for, as long as every account in them is visible to the user; all packs to those who
        see all accounts. None to those who may not take evidence."""
        if not user.has_perm(permissions.EXPORT_EVIDENCE):  # type: ignore[union-attr]
            return self.none()
        if NexmoAccount.objects.sees_all(user):
            return self.all()
        visible = NexmoAccount.objects.visible_to(user).order_by().values("pk")
        held = EvidencePack.accounts.through.objects.filter(evidencepack=OuterRef("pk"))
        return self.filter(
            Q(account=None) | Q(account__in=visible),
            ~Exists(held.exclude(nexmoaccount__in=visible)),
            requested_by=user.pk,
        )

    def unfinished(self) -> Self:
        return self.filter(state__in=EvidencePack.UNFINISHED)


class EvidencePack(models.Model):
    """A request for an evidence pack, and what became of it. Written by `events.evidence` only."""

    class State(models.TextChoices):
        WAITING = "waiting", _("Waiting for a worker")
        MAKING = "making", _("In progress")
        READY = "ready", _("Ready")
        FAILED = "failed", _("Failed")
        EXPIRED = "expired", _("Expired")

    class Stage(models.TextChoices):
        SEALING = "sealing", _("Finding and sealing accounts")
        CHECKING = "checking", _("Verifying the archive")
        EVENTS = "events", _("Writing events")
        TABLE = "table", _("Writing the CSV file")
        CHAINS = "chains", _("Writing chains")

    UNFINISHED = (State.WAITING, State.MAKING)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="evidence_packs")
    requested_at = models.DateTimeField()
    account = models.ForeignKey(
        NexmoAccount,
        on_delete=models.CASCADE,
        null=True,
        related_name="+",
        help_text=_("The account whose events were requested; empty: all accounts."),
    )
    query = models.TextField(blank=True, help_text=_("The filter, as a URL's query string."))
    time_zone = models.CharField(max_length=64, help_text=_("The time zone of the query's dates."))
    language = models.CharField(max_length=10, help_text=_("The requester's language."))
    name = models.CharField(max_length=120, help_text=_("The file's name when downloaded."))
    file = models.CharField(max_length=80, blank=True, help_text=_("Its name in EVIDENCE_DIR, new for each attempt."))
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    stage = models.CharField(max_length=10, choices=Stage.choices, blank=True)
    done = models.PositiveBigIntegerField(default=0, help_text=_("How much of the stage is done."))
    total = models.PositiveBigIntegerField(null=True)
    accounts = models.ManyToManyField(NexmoAccount, related_name="+", help_text=_("Accounts whose events it contains."))
    count = models.PositiveBigIntegerField(null=True, help_text=_("Events it contains."))
    size = models.PositiveBigIntegerField(null=True, help_text=_("Bytes."))
    finished_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True, help_text=_("When the file is deleted."))
    problem = models.TextField(blank=True, help_text=_("Why it failed, in plain words."))

    objects: ClassVar[Any] = EvidencePackQuerySet.as_manager()

    class Meta:
        verbose_name = _("evidence pack")
        ordering = ("-requested_at", "id")
        constraints = (
            models.UniqueConstraint(
                fields=("requested_by",),
                condition=Q(state__in=("waiting", "making")),
                name="evidence_pack_one_at_a_time",
            ),
        )

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("events:pack", args=[self.pk])

    @property
    def list_url(self) -> str:
        """The list of the events that were asked for."""
        path = reverse("events:account_list", args=[self.account.api_key]) if self.account else reverse("events:list")
        return f"{path}?{self.query}" if self.query else path

    @property
    def is_unfinished(self) -> bool:
        return self.state in self.UNFINISHED

    @property
    def percent(self) -> int | None:
        """How far the stage is, 0 to 100, where that is known."""
        return min(100, self.done * 100 // self.total) if self.total else None
