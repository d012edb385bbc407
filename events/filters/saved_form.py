"""The forms of a saved view: what it is called and who sees it, and what it filters by."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.form_parts import mark_errors
from accounts.teams.sight import all_teams
from events.filters.form import EventFilter
from events.filters.parameters import unknown
from events.filters.saved import canonical, read_query
from events.models import SavedView
from events.wording.marking import coded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from accounts.models import NexmoAccount
    from events.models.view import SavedViewQuerySet

MOST_OWN, MOST_SHARED = 100, 20  # views of one person, and how many of them one team may have
MOST_OF_A_QUERY = 4_000  # characters: what servers and proxies take as an address


class QueryForm(forms.ModelForm):
    """A view's filter alone, to be replaced by another one."""

    class Meta:
        model = SavedView
        fields: tuple[str, ...] = ("query",)

    def __init__(
        self,
        data: Any = None,
        *,
        accounts: Sequence[NexmoAccount],
        instance: SavedView,
        initial: dict[str, str] | None = None,
    ) -> None:
        """
        Args:
            accounts: those the owner may see.
            instance: the view, with its owner.
            initial: what a new view begins with.
        """
        super().__init__(data, instance=instance, initial=initial, label_suffix="")
        self.accounts = accounts

    def clean_query(self) -> str:
        too_long = _("This filter is too long for a URL.")
        params = read_query(self.cleaned_data["query"])
        if params is None:
            raise ValidationError(too_long)
        if unread := unknown(params):
            raise ValidationError(unread)
        event_filter = EventFilter(params, accounts=self.accounts)
        if not event_filter.is_valid():
            raise ValidationError([str(text) for texts in event_filter.errors.values() for text in texts])
        query = canonical(event_filter.data)
        if not query:
            raise ValidationError(_("No filter is active: there is nothing to save."))
        if len(query) > MOST_OF_A_QUERY:
            raise ValidationError(too_long)
        return query


class ViewForm(QueryForm):
    """A view's name and who sees it. Its filter is set when it is made, and replaced by saving another one under the
    same name, which must be asked for."""

    name_taken = _("You already have a view with this name.")
    taken: SavedView | None = None  # whose filter can be replaced

    class Meta(QueryForm.Meta):
        fields = ("name", "description", "team", "query")
        labels = {"team": _("Who sees it")}
        widgets = {"description": forms.Textarea(attrs={"rows": 3}), "query": forms.HiddenInput}

    def __init__(self, data: Any = None, *, instance: SavedView, **options: Any) -> None:
        super().__init__(data, instance=instance, **options)
        own = Group.objects.filter(user=instance.owner_id).order_by().values("pk")
        # It stays with its team, also where its owner is not in that: they were given it.
        teams = all_teams().filter(Q(pk__in=own) | Q(pk=instance.team_id))
        self.fields["team"].queryset, self.fields["team"].empty_label = teams, _("Only me")  # type: ignore[attr-defined]
        self.fields["team"].label_from_instance = lambda team: coded(team.name)  # type: ignore[attr-defined]
        if instance.pk:
            del self.fields["query"]
        mark_errors(self)

    def clean_name(self) -> str:
        name = " ".join(self.cleaned_data["name"].split())
        other = self._other(name)
        if not self.instance.pk:
            self.taken = other
        if other and not self.replaces:
            raise ValidationError(self.name_taken)
        return name

    def _other(self, name: str) -> SavedView | None:
        return self._own().filter(name=name).exclude(pk=self.instance.pk).first()

    def _own(self) -> SavedViewQuerySet:
        own: SavedViewQuerySet = SavedView.objects.filter(owner=self.instance.owner_id)
        return own

    @property
    def replaces(self) -> bool:
        """Whether the filter of just the view that has this name is to be replaced."""
        return bool(self.taken and self.data.get("replace") == str(self.taken.pk))

    def clean_team(self) -> Group | None:
        team: Group | None = self.cleaned_data["team"]
        shared = self._own().filter(team=team).exclude(pk=self.instance.pk)
        moves = team is not None and team.pk != self.initial.get("team") and not self.replaces
        if moves and shared.count() >= MOST_SHARED:
            text = _(
                "You already share %(count)s views with this team. Delete one first, or keep this one to yourself."
            )
            raise ValidationError(text, code="too_many", params={"count": MOST_SHARED})
        return team

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if not self.instance.pk and not self.replaces and self._own().count() >= MOST_OWN:
            text = _("You already have %(count)s views. Delete one that is no longer needed first.")
            self.add_error("name", ValidationError(text, code="too_many", params={"count": MOST_OWN}))
        return cleaned

    def clean_description(self) -> str:
        return " ".join(self.cleaned_data["description"].split())

    def keep(self) -> SavedView | None:
        """Write it. None, with the error beside the name, where another of this name was made meanwhile."""
        if self.taken and self.replaces:
            self.taken.query = self.cleaned_data["query"]
            self.taken.save()
            return self.taken
        try:
            with transaction.atomic():
                view: SavedView = self.save()
        except IntegrityError:
            self.add_error("name", self.name_taken)
            return None
        return view
