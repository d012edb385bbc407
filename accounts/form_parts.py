"""What several forms are made of."""

from __future__ import annotations

from typing import Any

from django import forms

from accounts.unseen import printable


def mark_errors(form: forms.BaseForm, prefix: str = "error") -> None:
    """Tell programs that read pages aloud which fields are wrong, and which element of the page says why: the one with
    the id `<prefix>-<name>`. To be called once the fields are as they stay: it validates the form."""
    for name, field in form.fields.items():
        if form.is_bound and name in form.errors:
            field.widget.attrs |= {"aria-invalid": "true", "aria-describedby": f"{prefix}-{name}"}


class AccountsByName(forms.ModelMultipleChoiceField):
    """Accounts by name and API key."""

    def label_from_instance(self, obj: Any) -> str:
        return f"{printable(obj.name)} ({obj.api_key})"
