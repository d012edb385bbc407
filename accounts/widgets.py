"""What forms choose with."""

from __future__ import annotations

from typing import Any

from django import forms
from django.forms.widgets import Script


class TickList(forms.CheckboxSelectMultiple):
    """Boxes to tick, in a frame that scrolls when they are many. Unlike a list to pick from with Ctrl held down, or one
    that a script draws, it needs no explanation, no script and no mouse. A script gives many of them a field to find
    some.
    """

    template_name = "accounts/widgets/ticks.html"

    class Media:
        js = (Script("auditsite/js/ticks.js", defer=True),)

    def __init__(self, *, label: Any, empty: Any, attrs: dict[str, Any] | None = None) -> None:
        """A list of boxes.

        Args:
            label: what the boxes are, for those who hear the page.
            empty: the sentence shown where there is nothing to tick.
        """
        super().__init__(attrs)
        self.label, self.empty = label, empty

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context(name, value, attrs)
        context["widget"] |= {"label": self.label, "empty": self.empty}
        return context
