"""Reviews: that somebody looked through the events of a filter, signed off for each account; and who is to do so when.

What is signed is never changed. Written by `events.reviews` only.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any, ClassVar, Self

from django.conf import settings
from django.contrib.auth.models import User
from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import NexmoAccount
from accounts.validators import name_validator
from events.models.held import Held, HeldQuerySet, one_holder
from events.models.ledger import LedgerEntry, Recorded, RecordedQuerySet
from events.models.view import SavedView
from events.storage import ledger
from events.wording.schedule import Frequency

if TYPE_CHECKING:
    from accounts.models import AnyUser

MOST_OF_A_NOTE = 2_000  # characters


class ReviewScheduleQuerySet(HeldQuerySet):
    def going_on(self) -> Self:
        """Those that ask for reviews: switched on, with a view that is still shared with whoever reviews it."""
        of_team = Q(team__isnull=False, view__team=F("team"))
        joined = User.groups.through.objects.filter(user=OuterRef("owner"), group=OuterRef("view__team"))
        of_person = Q(owner__isnull=False) & (Q(view__owner=F("owner")) | Exists(joined))
        return self.filter(of_team | of_person, is_active=True)


class ReviewSchedule(Held):
    """That a view is to be reviewed for each week, month or quarter: by a person, or by anybody in a team."""

    # None can be deleted: its history stays.
    counted: ClassVar[dict[str, Any]] = {"is_active": True}
    full: ClassVar[Any] = _(
        "You have already set up %(count)s of these. Switch off one that is no longer needed first."
    )

    name = models.CharField(_("name"), max_length=80, validators=[name_validator])
    view = models.ForeignKey(
        SavedView, verbose_name=_("view"), on_delete=models.SET_NULL, null=True, related_name="review_schedules"
    )
    frequency = models.CharField(_("frequency"), max_length=10, choices=Frequency.choices, default=Frequency.MONTHLY)
    days = models.PositiveSmallIntegerField(
        _("days to sign off"),
        default=7,
        validators=[MaxValueValidator(60)],
        help_text=_("After the period has ended; then the review is overdue."),
    )
    last_end = models.DateTimeField(help_text=_("The end of the last period that was made due."))

    objects: ClassVar[Any] = ReviewScheduleQuerySet.as_manager()

    class Meta:
        verbose_name = _("review schedule")
        ordering = ("name", "id")
        constraints = (one_holder("review_schedule_of_one"),)

    def __str__(self) -> str:
        return self.name


class DueReviewQuerySet(HeldQuerySet):
    prefix = "schedule__"

    def waiting(self) -> Self:
        """Those that can still be expected: not signed off, and of a schedule that goes on."""
        return self.filter(review=None, missed_at=None, schedule__in=ReviewSchedule.objects.going_on())


class DueReview(models.Model):
    """One period of a schedule: due, signed off or missed."""

    schedule = models.ForeignKey(ReviewSchedule, on_delete=models.CASCADE, related_name="periods")
    start = models.DateTimeField()
    end = models.DateTimeField(help_text=_("The first instant of the next period."))
    due_at = models.DateTimeField(help_text=_("Overdue from then on."))
    review = models.OneToOneField("Review", on_delete=models.PROTECT, null=True, related_name="fulfils")
    missed_at = models.DateTimeField(null=True, help_text=_("When the next period ended before it was signed off."))
    reminders = models.PositiveSmallIntegerField(default=0, help_text=_("Sent so far."))
    remind_at = models.DateTimeField(null=True, help_text=_("When the next reminder is sent."))

    objects: ClassVar[Any] = DueReviewQuerySet.as_manager()

    class Meta:
        ordering = ("due_at", "id")
        constraints = (models.UniqueConstraint(fields=("schedule", "start"), name="review_period_once"),)
        indexes = (models.Index(fields=("remind_at",), condition=Q(remind_at__isnull=False), name="review_remind"),)

    def __str__(self) -> str:
        return f"{self.schedule_id}: {self.start:%Y-%m-%d}"


class SignOff(models.Model):
    """What somebody asked to have signed: a worker does it, under the same key, because the site has nothing to sign
    with. Kept for a day after that, for what the page showed."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    requested_at = models.DateTimeField()
    query = models.TextField(blank=True, help_text=_("The filter, as a URL's query string; its times are fixed."))
    accounts = models.ManyToManyField(NexmoAccount, related_name="+")
    shown = models.PositiveBigIntegerField(null=True, help_text=_("How many events the page counted, if it could."))
    note = models.TextField()
    time_zone = models.CharField(max_length=64)
    language = models.CharField(max_length=10)
    due = models.ForeignKey(DueReview, on_delete=models.SET_NULL, null=True, related_name="+")
    done = models.PositiveBigIntegerField(default=0, help_text=_("Events read so far."))
    problem = models.TextField(blank=True, help_text=_("Why nothing was signed, in plain words."))

    objects: ClassVar[Any] = models.Manager()

    class Meta:
        ordering = ("-requested_at", "id")

    def __str__(self) -> str:
        return str(self.pk)

    def get_absolute_url(self) -> str:
        return reverse("events:review", args=[self.pk])


class ReviewQuerySet(models.QuerySet["Review"]):
    def visible_to(self, user: AnyUser) -> Self:
        """Reviews with a statement for at least one account that the user may see."""
        if NexmoAccount.objects.sees_all(user):
            return self.all()
        visible = NexmoAccount.objects.visible_to(user).order_by().values_list("pk", flat=True)
        return self.filter(Exists(ReviewStatement.objects.filter(review=OuterRef("pk"), account__in=list(visible))))


class Review(models.Model):
    """That somebody signed off that they looked through events. What exactly is in its statements, one an account."""

    id = models.UUIDField(primary_key=True, editable=False)
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    username = models.CharField(max_length=150, help_text=_("As it was when it was signed, like name and e-mail."))
    name = models.CharField(max_length=301, blank=True)
    email = models.CharField(max_length=254, blank=True)
    signed_at = models.DateTimeField()
    start = models.DateTimeField(null=True, help_text=_("Empty: since the beginning."))
    end = models.DateTimeField()
    note = models.TextField()

    objects: ClassVar[Any] = ReviewQuerySet.as_manager()

    class Meta:
        verbose_name = _("review")
        ordering = ("-signed_at", "-id")
        indexes = (models.Index(fields=("signed_at", "id"), name="review_time"),)

    def __str__(self) -> str:
        return gettext("review by %(person)s, %(time)s") % {
            "person": self.username,
            "time": f"{self.signed_at:%Y-%m-%d %H:%M}",
        }

    def get_absolute_url(self) -> str:
        return reverse("events:review", args=[self.pk])


class ReviewStatement(Recorded):
    """The signed part of a review that is about one account: it tells nothing of any other.

    The statement is kept as it was signed; the fields repeat it for search.
    """

    review = models.ForeignKey(Review, on_delete=models.PROTECT, related_name="statements", db_index=False)
    account = models.ForeignKey(NexmoAccount, on_delete=models.PROTECT, related_name="reviews")
    count = models.PositiveBigIntegerField(help_text=_("How many events were looked through."))
    statement = models.TextField(help_text=_("Canonical JSON, exactly as signed."))
    signature = models.CharField(max_length=128, help_text=_("Ed25519 over the statement, in hex."))
    key_id = models.CharField(max_length=16, help_text=_("The beginning of the public key's SHA-256."))
    numbers = models.TextField(help_text=_("The events' numbers in their chain, as ranges: 1-40,42."), blank=True)

    objects: ClassVar[Any] = RecordedQuerySet.as_manager()

    class Meta:
        verbose_name = _("statement of a review")
        verbose_name_plural = _("statements of reviews")
        ordering = ("review", "account")
        constraints = (models.UniqueConstraint(fields=("review", "account"), name="review_account_once"),)

    def __str__(self) -> str:
        return f"{self.review_id}: {self.account_id}"

    def ledger_entries(self) -> list[ledger.Entry]:
        values = (self.statement, self.signature)
        return [ledger.Entry(LedgerEntry.Kind.REVIEW, self.pk, self.account_id, values)]
