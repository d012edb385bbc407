"""Forms that are no filter: how a person likes to see things, and views."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any
from zoneinfo import available_timezones

from django import forms
from django.conf import settings
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Profile
from accounts.roles import ROLES
from events.filters import EventFilter
from events.models import SavedView
from events.saved_views import canonical
from events.tables import ALWAYS, COLUMNS, USUAL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from accounts.models import NexmoAccount
    from events.models.view import SavedViewQuerySet

MOST_OF_A_QUERY = 4_000  # characters: what servers and proxies take as an address
AS_THE_BROWSER = _("As the browser asks")


class DisplayForm(forms.ModelForm):
    """The profile's settings. A post may hold some of them only: the others stay as they are."""

    time_zone = forms.ChoiceField(label=_("Time zone"), required=False)
    utc = forms.TypedChoiceField(
        label=_("Show times in"),
        choices=((False, _("This zone")), (True, "UTC")),
        coerce=lambda value: value == "True",
        widget=forms.RadioSelect,
    )
    columns = forms.MultipleChoiceField(
        label=_("Columns of the table"), choices=COLUMNS.items(), required=False, widget=forms.CheckboxSelectMultiple
    )
    language = forms.ChoiceField(
        label=_("Language"), choices=(("", AS_THE_BROWSER), *settings.LANGUAGES), required=False
    )

    class Meta:
        model = Profile
        fields = ("language", "theme", "time_zone", "utc", "times", "density", "columns")
        labels = {"theme": _("Theme"), "times": _("Times in the table"), "density": _("Rows")}
        widgets = {"theme": forms.RadioSelect, "times": forms.RadioSelect, "density": forms.RadioSelect}

    def __init__(self, data: Any = None, *, instance: Profile) -> None:
        kept = {"columns": shown_columns(instance)}
        super().__init__(data and self._completed(data, instance), instance=instance, initial=kept, label_suffix="")
        default = _("The site's (%(zone)s)") % {"zone": timezone.get_default_timezone_name()}
        self.fields["time_zone"].choices = (("", default), *((name, name) for name in _zones()))  # type: ignore[attr-defined]

    def _completed(self, data: Any, instance: Profile) -> Any:
        completed = data.copy()
        for name in self._meta.fields or ():
            if name not in data and not (name == "columns" and "with_columns" in data):
                value = shown_columns(instance) if name == "columns" else getattr(instance, name)
                if name == "time_zone" and value not in _zones():
                    value = ""  # not refused: this post does not ask for it
                completed.setlist(name, value if isinstance(value, list) else [str(value)])
        return completed

    def clean_columns(self) -> str:
        chosen = [name for name in COLUMNS if name in self.cleaned_data["columns"] or name in ALWAYS]
        return "" if chosen == list(USUAL) else ",".join(chosen)


def shown_columns(profile: Profile) -> list[str]:
    """The columns of the table of events, by name, in its order."""
    chosen = profile.columns.split(",") if profile.columns else USUAL
    return [name for name in COLUMNS if name in chosen or name in ALWAYS]


@lru_cache
def _zones() -> list[str]:
    return sorted(name for name in available_timezones() if "/" in name and not name.startswith(("Etc/", "SystemV/")))


class ViewForm(forms.ModelForm):
    """A view's name and who sees it. Its filter is set when it is made, and replaced by saving another one under the
    same name, which must be asked for."""

    name_taken = _("You have a view of this name already.")
    taken: SavedView | None = None  # whose filter can be replaced

    class Meta:
        model = SavedView
        fields = ("name", "description", "team", "query")
        labels = {"team": _("Who sees it")}
        widgets = {"description": forms.Textarea(attrs={"rows": 3}), "query": forms.HiddenInput}

    def __init__(self, data: Any = None, *, accounts: Sequence[NexmoAccount], instance: SavedView, query: str) -> None:
        """
        Args:
            accounts: those the owner may see.
            instance: the view, with its owner.
            query: the filter in force, for a new view.
        """
        super().__init__(data, instance=instance, initial={"query": query}, label_suffix="")
        self.accounts = accounts
        teams = Group.objects.filter(user=instance.owner_id).exclude(name__in=ROLES).order_by("name")
        self.fields["team"].queryset, self.fields["team"].empty_label = teams, _("Only me")  # type: ignore[attr-defined]
        if instance.pk:
            del self.fields["query"]
        for name, field in self.fields.items():
            if self.is_bound and name in self.errors:
                field.widget.attrs |= {"aria-invalid": "true", "aria-describedby": f"error-{name}"}

    def clean_name(self) -> str:
        name = " ".join(self.cleaned_data["name"].split())
        other = self._other(name)
        if not self.instance.pk:
            self.taken = other
        if other and not self.replaces:
            raise ValidationError(self.name_taken)
        return name

    def _other(self, name: str) -> SavedView | None:
        own: SavedViewQuerySet = SavedView.objects.filter(owner=self.instance.owner_id)
        return own.filter(name=name).exclude(pk=self.instance.pk).first()

    @property
    def replaces(self) -> bool:
        """Whether the filter of just the view that has this name is to be replaced."""
        return bool(self.taken and self.data.get("replace") == str(self.taken.pk))

    def clean_description(self) -> str:
        return " ".join(self.cleaned_data["description"].split())

    def clean_query(self) -> str:
        asked = QueryDict(self.cleaned_data["query"])
        found = EventFilter(asked, accounts=self.accounts)
        if not found.form.is_valid():
            raise ValidationError([str(text) for texts in found.form.errors.values() for text in texts])
        query = canonical(found.data)
        if not query:
            raise ValidationError(_("No filter is in force: there is nothing to save."))
        if len(query) > MOST_OF_A_QUERY:
            raise ValidationError(_("This filter is too long for an address."))
        return query

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
