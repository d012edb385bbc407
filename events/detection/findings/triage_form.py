"""What a form says is to be done with findings, as plain codes: a menu or a button each does without scripts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from django import forms
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from accounts.validators import text_validator
from events.detection.findings.sight import responders
from events.detection.findings.triage import MOST_NOTE, Deed
from events.models import Finding, FindingChange

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.http import QueryDict

    from events.detection.findings.sight import Sight

ACTIONS = FindingChange.Action
ACKNOWLEDGE, REOPEN, NOTE, ASSIGN, RESOLVE, NOBODY = "acknowledge", "reopen", "note", "assign:", "resolve:", ""
MOST_AT_ONCE = 250
_CHOSEN = re.compile(r"([1-9]\d{0,17})\.([0-9a-f]{16})")


class TriageForm(forms.Form):
    """One deed, with a note if its author likes."""

    deed = forms.ChoiceField(
        label=_("With selected findings"),
        error_messages={"required": _("Choose what to do."), "invalid_choice": _("Choose what to do.")},
    )
    note = forms.CharField(
        label=_("Note"),
        required=False,
        max_length=MOST_NOTE,
        validators=[text_validator],
        widget=forms.Textarea(attrs={"rows": 2}),
    )

    def __init__(
        self, sight: Sight, accounts: Iterable[int], data: Any = None, *, typed: QueryDict | None = None
    ) -> None:
        """
        Args:
            accounts: those of the findings; whoever sees one of them may be assigned to.
            typed: what is to be filled in again (`accounts.kept_forms`).
        """
        super().__init__(data, label_suffix="", initial=typed.dict() if typed else None)
        self.people = {person.name: person for person in responders(accounts)}
        own = sight.user.get_username()
        self.assignments = [(f"{ASSIGN}{own}", _("Assign to me"))] if own in self.people else []
        self.assignments += [
            (f"{ASSIGN}{name}", format_lazy(_("Assign to {person}"), person=name))
            for name in self.people
            if name != own
        ]
        self.assignments.append((f"{ASSIGN}{NOBODY}", _("Unassign")))
        self.resolutions = [
            (f"{RESOLVE}{value}", format_lazy(_("Resolve: {resolution}"), resolution=label))
            for value, label in Finding.Resolution.choices
        ]
        choice: Any = self.fields["deed"]
        choice.choices = [
            ("", _("Choose what to do")),
            (ACKNOWLEDGE, _("Acknowledge")),
            *self.resolutions,
            *self.assignments,
            (REOPEN, _("Reopen")),
            (NOTE, _("Add note")),
        ]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("deed") == NOTE and not cleaned.get("note"):
            self.add_error("note", _("Write a note first."))
        return cleaned

    @property
    def asked(self) -> Deed:
        """What is to be done, once the form is valid."""
        code, note = self.cleaned_data["deed"], self.cleaned_data["note"].strip()
        if code.startswith(ASSIGN):
            return Deed(ACTIONS.ASSIGNED, person=self.people.get(code.removeprefix(ASSIGN)), note=note)
        if code.startswith(RESOLVE):
            return Deed(ACTIONS.RESOLVED, resolution=code.removeprefix(RESOLVE), note=note)
        plain = {ACKNOWLEDGE: ACTIONS.ACKNOWLEDGED, REOPEN: ACTIONS.REOPENED, NOTE: ACTIONS.NOTED}
        return Deed(plain[code], note=note)


def chosen(data: QueryDict) -> dict[int, str]:
    """The findings that a form names, each with the version that its author saw."""
    matches = (_CHOSEN.fullmatch(value) for value in data.getlist("finding")[:MOST_AT_ONCE])
    return {int(match[1]): match[2] for match in matches if match}
