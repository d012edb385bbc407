"""The frame of a form for what belongs to a person or a team: channels, subscriptions, streams, reports, schedules of
reviews."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.form_parts import mark_errors
from accounts.teams.sight import teams_acted_for
from events.models.held import HeldQuerySet
from events.wording.marking import coded

if TYPE_CHECKING:
    from accounts.models import AnyUser
    from events.models import SavedView
    from events.models.held import Held


class ByName(forms.ModelChoiceField):
    """What people gave names to, with the team that has it."""

    def label_from_instance(self, obj: Any) -> str:
        return f"{coded(obj.name)} ({coded(obj.team.name)})" if obj.team_id else coded(obj.name)


class HeldForm(forms.ModelForm):
    """A form whose fields stand in groups. Whose a thing is, is chosen once, in the field `holder` where there is one:
    the user's, or one of the teams that the user may act for.

    Attributes:
        GROUPS: names and titles of the groups, and the fields of each, in the order of the page.
        ME: what the choice of nobody but the user is called.
        permission: what it takes to act for a team.
    """

    GROUPS: ClassVar[tuple[tuple[str, Any, tuple[str, ...]], ...]] = ()
    ME: ClassVar[Any] = _("Only me")
    permission: ClassVar[str] = HeldQuerySet.permission

    def __init__(
        self, data: Any = None, *, user: AnyUser, instance: Held, initial: dict[str, Any] | None = None
    ) -> None:
        """
        Args:
            user: who fills it in.
            instance: what is changed, or a new one.
        """
        super().__init__(data, instance=instance, initial=initial, label_suffix="")
        self.user, self.is_new = user, not instance.pk
        if "holder" in self.fields:
            self._offer_holders()
        self.prepare(self.fields)
        mark_errors(self)

    def prepare(self, fields: dict[str, Any]) -> None:
        """Fit the fields to the user and the instance."""

    def _offer_holders(self) -> None:
        teams = list(teams_acted_for(self.user, self.permission)) if self.is_new else []
        if not teams:
            del self.fields["holder"]
            return
        field: Any = self.fields["holder"]
        field.choices = [("", self.ME), *((str(team.pk), coded(team.name)) for team in teams)]

    @property
    def groups(self) -> list[tuple[str, Any, list[Any]]]:
        """The fields as the page shows them."""
        return [
            (slug, title, [self[name] for name in names if name in self.fields])
            for slug, title, names in self.GROUPS
            if set(names) & set(self.fields)
        ]

    def clean(self) -> dict[str, Any]:
        if self.is_new:
            type(self.instance).check_room(self.user)
        return super().clean() or self.cleaned_data

    def team(self) -> int | None:
        """The key of the team that has it, as the form stands."""
        return int(self.cleaned_data.get("holder") or 0) or None if self.is_new else self.instance.team_id

    def check_view(self, view: SavedView | None, team: int | None) -> None:
        """What a team is told of must be the team's."""
        if view and team and view.team_id != team:
            self.add_error("view", _("Share this view with the team first, so that all its members can open it."))

    def give(self, thing: Held) -> None:
        """Make a new one belong to whom it was made for."""
        thing.team_id = self.team()
        thing.owner_id = None if thing.team_id else self.user.pk
        thing.created_by_id = self.user.pk
