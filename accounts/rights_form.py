"""What the forms of teams and of people share: only the fields that the editor is shown, roles as sentences, and
individual permissions apart.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.contrib.auth.models import Permission
from django.utils.translation import gettext_lazy as _

from accounts import roles
from accounts.widgets import TickList

if TYPE_CHECKING:
    from accounts.models import AnyUser


MOST_TOLD = 50  # names in one record


class EditorsForm(forms.ModelForm):
    """A form that holds the fields its editor is shown, and no others. Django keeps every field that a form declares,
    shown or not, and would take its value from whoever sends one.
    """

    editor: AnyUser  # who fills the form in; these two are set by the admin
    shown: frozenset[str]

    # Lists whose changes are recorded by name, and what the record calls one of each.
    told_by_name: ClassVar[dict[str, str]] = {}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in set(self.fields) - self.shown:
            del self.fields[name]

    def changes_by_name(self) -> dict[str, list[dict[str, Any]]]:
        """What was added to each of those lists and taken from it, as the admin's log has it; of very many nothing."""
        told: dict[str, list[dict[str, Any]]] = {}
        for name, called in self.told_by_name.items():
            if name not in self.changed_data:
                continue
            before = self._choices(name, self.initial.get(name, ()))
            after = self._choices(name, self.cleaned_data[name])
            changes = [
                {verb: {"name": called, "object": ours[value]}}
                for verb, ours, others in (("added", after, before), ("deleted", before, after))
                for value in sorted(ours, key=lambda value: ours[value])
                if value not in others
            ]
            if len(changes) <= MOST_TOLD:
                told[name] = changes
        return told

    def _choices(self, name: str, chosen: Any) -> dict[Any, str]:
        """The chosen values of a field and what they are called."""
        field: Any = self.fields[name]
        if isinstance(field, forms.ModelMultipleChoiceField):
            keys = [getattr(value, "pk", value) for value in chosen]
            queryset: Any = field.queryset
            objects = queryset.model._default_manager  # whoever was just taken out may be offered no more
            return {obj.pk: field.label_from_instance(obj) for obj in objects.filter(pk__in=keys)}
        titles = dict(field.choices)
        return {value: str(roles.TITLES.get(value, titles.get(value, value))) for value in chosen}


class RolesField(forms.MultipleChoiceField):
    """The roles that ship with the site, as sentences."""

    def __init__(self, **options: Any) -> None:
        widget = TickList(label=_("Roles"), empty="")
        super().__init__(
            choices=list(roles.SENTENCES.items()), required=False, label=_("Roles"), widget=widget, **options
        )


class PermissionsField(forms.ModelMultipleChoiceField):
    """Individual permissions, by Django's names."""

    def __init__(self, *, label: Any, **options: Any) -> None:
        permissions = Permission.objects.select_related("content_type")
        widget = TickList(label=label, empty="")
        super().__init__(permissions, required=False, label=label, widget=widget, **options)
