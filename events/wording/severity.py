"""How bad a finding is, in words and as a badge that is read without its colour too."""

from __future__ import annotations

from functools import lru_cache
from html import escape
from typing import TYPE_CHECKING

from django.utils.safestring import SafeString
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from typing import Any

# As Sigma's levels, by number: (what styles and addresses call it, what people do).
LEVELS: tuple[tuple[str, Any], ...] = (
    ("informational", _("Informational")),
    ("low", _("Low")),
    ("medium", _("Medium")),
    ("high", _("High")),
    ("critical", _("Critical")),
)


def title(severity: int) -> str:
    """A severity in words."""
    return str(LEVELS[severity][1])


def slug(severity: int) -> str:
    """What styles and addresses call it."""
    return LEVELS[severity][0]


def badge(severity: int, number: int | str = "") -> SafeString:
    """A severity as HTML: its word, its colour, and as many bars as it is high; with how many there are of it."""
    return _badge(severity, str(number), get_language())


@lru_cache(maxsize=512)
def _badge(severity: int, number: str, language: str | None) -> SafeString:
    name = escape(f"{number} {title(severity)}".strip())
    return SafeString(f'<span class="severity {slug(severity)}"><i aria-hidden="true"></i>{name}</span>')  # noqa: S308
