"""How a person likes to see things: the form, and the columns it leads to."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Profile
from events.display import zones
from events.display.event_table import ALWAYS, USUAL, page_columns
from events.wording.times import offset

AS_THE_BROWSER = _("Browser default")


class ZoneField(forms.ChoiceField):
    """A time zone by any of its names; offered is one name of each. A script adds the browser's own."""

    def valid_value(self, value: Any) -> bool:
        return not value or value in zones.known()


class DisplayForm(forms.ModelForm):
    """The profile's settings. A post may hold some of them only: the others stay as they are."""

    time_zone = ZoneField(
        label=_("Time zone"),
        required=False,
        widget=forms.Select(attrs={"data-own-zone": _("My browser’s ({zone})")}),
    )
    utc = forms.TypedChoiceField(
        label=_("Show times in"),
        choices=((False, _("This zone")), (True, "UTC")),
        coerce=lambda value: value == "True",
        widget=forms.RadioSelect,
    )
    columns = forms.MultipleChoiceField(
        label=_("Columns of the table"),
        choices=page_columns().items(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
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
        offered = zones.choices(instance.time_zone, timezone.now())
        self.fields["time_zone"].choices = (("", default), *offered)  # type: ignore[attr-defined]

    def _completed(self, data: Any, instance: Profile) -> Any:
        completed = data.copy()
        for name in self._meta.fields or ():
            if name not in data and not (name == "columns" and "with_columns" in data):
                value = shown_columns(instance) if name == "columns" else getattr(instance, name)
                if name == "time_zone" and value not in zones.known():
                    value = ""  # not refused: this post does not ask for it
                completed.setlist(name, value if isinstance(value, list) else [str(value)])
        return completed

    def clean_columns(self) -> str:
        chosen = [name for name in page_columns() if name in self.cleaned_data["columns"] or name in ALWAYS]
        return "" if chosen == list(USUAL) else ",".join(chosen)


def shown_columns(profile: Profile) -> list[str]:
    """The columns of the table of events, by name, in its order."""
    chosen = profile.columns.split(",") if profile.columns else USUAL
    return [name for name in page_columns() if name in chosen or name in ALWAYS]


def table_menu(profile: Profile) -> dict[str, Any]:
    """What the menu of the table of events offers, and what of it is chosen."""
    shown = shown_columns(profile)
    return {
        "columns": [(name, title, name in shown) for name, title in page_columns().items() if name not in ALWAYS],
        "densities": Profile.Density.choices,
        "times": Profile.Times.choices,
        "zone": str(profile.own_zone),
        "offset": offset(timezone.now().astimezone(profile.own_zone)),
    }
