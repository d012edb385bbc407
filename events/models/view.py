"""Views: filters that somebody saved under a name, and the stars that people give to views."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Self

from django.conf import settings
from django.contrib.auth.models import Group
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts.validators import name_validator, text_validator

if TYPE_CHECKING:
    from accounts.models import AnyUser


class SavedViewQuerySet(models.QuerySet["SavedView"]):
    """Whose views are whose."""

    def visible_to(self, user: AnyUser) -> Self:
        """Views that the user made, and those shared with a team that the user is in: nobody sees all of them."""
        if not (user.is_authenticated and user.is_active):
            return self.none()
        return self.visible_to_key(user.pk)

    def visible_to_key(self, user: int) -> Self:
        """The same for the key of a person known to be active."""
        return self.filter(Q(owner=user) | Q(team__in=Group.objects.filter(user=user).values("pk")))


class SavedView(models.Model):
    """A filter with a name. It never widens what its reader may see: it is a query, asked with the reader's scope."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="views")
    name = models.CharField(_("name"), max_length=80, validators=[name_validator])
    description = models.CharField(_("description"), max_length=300, blank=True, validators=[text_validator])
    query = models.TextField(help_text=_("The list's query string, in canonical form."))
    team = models.ForeignKey(
        Group,
        verbose_name=_("team"),
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="views",
        help_text=_("Its members see the view too; empty: only the owner."),
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects: ClassVar[Any] = SavedViewQuerySet.as_manager()

    class Meta:
        verbose_name = _("view")
        ordering = ("name", "id")
        constraints = (models.UniqueConstraint(fields=("owner", "name"), name="view_name_once"),)

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("events:view", args=[self.pk])


class Star(models.Model):
    """A view that somebody wants at hand: a saved one, or a built-in one by its code."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    view = models.ForeignKey(SavedView, on_delete=models.CASCADE, null=True, related_name="stars")
    builtin = models.CharField(max_length=40, blank=True)

    objects: ClassVar[Any] = models.Manager()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("user", "view"), condition=Q(view__isnull=False), name="star_view_once"),
            models.UniqueConstraint(fields=("user", "builtin"), condition=~Q(builtin=""), name="star_builtin_once"),
            models.CheckConstraint(
                condition=Q(view__isnull=False, builtin="") | (Q(view__isnull=True) & ~Q(builtin="")),
                name="star_of_one_view",
            ),
        )

    def __str__(self) -> str:
        return f"{self.user_id}: {self.builtin or self.view_id}"
