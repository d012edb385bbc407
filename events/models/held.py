"""What belongs to one person or to one team: channels and subscriptions of alerts, streams, reports,
review schedules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Self

from django.conf import settings
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts import permissions
from accounts.models import NexmoAccount

if TYPE_CHECKING:
    from accounts.models import AnyUser

MOST = 50  # of one kind, set up by one person


class HeldQuerySet(models.QuerySet[Any]):
    """Rows that belong to a person or to a team."""

    prefix: ClassVar[str] = ""
    permission: ClassVar[str] = permissions.TRIAGE  # what it takes to change those of a team

    def visible_to(self, user: AnyUser) -> Self:
        """Own ones, and those of teams that the user is in; a superuser sees every team's."""
        if not (user.is_authenticated and user.is_active):
            return self.none()
        teams = Group.objects.all()
        if not getattr(user, "is_superuser", False):
            teams = teams.filter(user=user.pk)
        return self.filter(
            Q(**{f"{self.prefix}owner": user.pk}) | Q(**{f"{self.prefix}team__in": teams.order_by().values("pk")})
        )

    def changeable_by(self, user: AnyUser) -> Self:
        """Of these, own ones, and those of teams where the user may triage findings."""
        visible = self.visible_to(user)
        if user.has_perm(self.permission):  # type: ignore[union-attr]
            return visible
        return visible.filter(**{f"{self.prefix}owner": user.pk})


class Held(models.Model):
    """What belongs to a person, who then alone knows of it, or to a team."""

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, blank=True, related_name="+"
    )
    team = models.ForeignKey(
        Group, verbose_name=_("team"), on_delete=models.CASCADE, null=True, blank=True, related_name="+"
    )
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    is_active = models.BooleanField(_("active"), default=True)

    objects: ClassVar[Any] = HeldQuerySet.as_manager()

    # Which of them count towards `MOST`, and what is said where there are so many.
    counted: ClassVar[dict[str, Any]] = {}
    full: ClassVar[Any] = _("You have already set up %(count)s of these. Delete one that is no longer needed first.")

    class Meta:
        abstract = True

    @classmethod
    def check_room(cls, user: AnyUser) -> None:
        """Whether the user may set up another, for a team or not. Raises ValidationError, which says how many there may
        be."""
        if cls.objects.filter(created_by=user.pk, **cls.counted).count() >= MOST:
            raise ValidationError(cls.full, code="too_many", params={"count": MOST})

    def accounts_in_sight(self) -> list[NexmoAccount]:
        """The accounts that whoever this belongs to may see now, without secrets: a person's own sight, or what is
        shared with all of a team."""
        if self.owner:
            return NexmoAccount.objects.list_visible_to(self.owner)
        return list(NexmoAccount.objects.filter(teams=self.team_id).defer("api_secret", "api_secret_secondary"))


def one_holder(name: str) -> models.CheckConstraint:
    return models.CheckConstraint(
        condition=Q(owner=None, team__isnull=False) | Q(owner__isnull=False, team=None), name=name
    )
