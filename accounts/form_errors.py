"""Errors of a form, for programs that read pages aloud."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from django import forms


def mark_errors(form: forms.BaseForm, prefix: str = "error") -> None:
    """Say of each field whether it is wrong, and which element of the page tells why: the one with the id
    `<prefix>-<name>`. To be called once the fields are as they stay: it validates the form."""
    for name, field in form.fields.items():
        if form.is_bound and name in form.errors:
            field.widget.attrs |= {"aria-invalid": "true", "aria-describedby": f"{prefix}-{name}"}
