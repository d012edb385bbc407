"""What the forms of teams and of people share: only the fields that the editor is shown, roles as sentences, and
individual permissions apart.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib.auth.models import Permission
from django.utils.translation import gettext_lazy as _

from accounts import roles
from accounts.widgets import TickList

if TYPE_CHECKING:
    from accounts.models import AnyUser


class EditorsForm(forms.ModelForm):
    """A form that holds the fields its editor is shown, and no others. Django keeps every field that a form declares,
    shown or not, and would take its value from whoever sends one.
    """

    editor: AnyUser  # who fills the form in; these two are set by the admin
    shown: frozenset[str]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in set(self.fields) - self.shown:
            del self.fields[name]


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
