"""What can be written in the search box, each with an example that works: made from the one table of filters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from events.reading.conditions import APPLICATION
from events.reading.filterable import DIMENSIONS, SINGLE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from django_stubs_ext import StrPromise

    from accounts.models import NexmoAccount
    from events.reading.filterable import Parameter

# How words and conditions are put together.
SIGNS = (
    ("secret deleted", _("Events that contain both words, in any order.")),
    ('"secret deleted"', _("Events that contain this exact phrase.")),
    ("secret -deleted", _("Events with the first word and without the second.")),
    ("-source:API", _("Everything but this value.")),
    ("user:ann,bob", _("One value or the other.")),
    ("user:none", _("Events without a value.")),
    ("type:NUMBER_* last:30d 4477", _("Conditions and words together: all of them must hold.")),
)


@dataclass(frozen=True)
class Line:
    """Something that can be written.

    Attributes:
        example: a text for the box.
        also: other words for the same condition.
    """

    example: str
    meaning: str | StrPromise
    also: tuple[str, ...] = ()

    @property
    def href(self) -> str:
        """The events that the example finds."""
        return f"{reverse('events:list')}?{urlencode({'search_text': self.example})}"


def signs() -> list[Line]:
    """How words and conditions are put together."""
    return [Line(example, meaning) for example, meaning in SIGNS]


def conditions(accounts: Sequence[NexmoAccount], application: str = "") -> list[Line]:
    """Every condition there is.

    Args:
        accounts: those of the reader, one of which is an example.
        application: the name of one in them.
    """
    own = {"account": accounts[0].api_key if accounts else ""}
    if application:
        own[APPLICATION] = f'"{application}"'
    return [_line(parameter, own) for parameter in (*DIMENSIONS.values(), *SINGLE.values()) if parameter.words]


def _line(parameter: Parameter, own: Mapping[str, str]) -> Line:
    value = own.get(parameter.name, parameter.example)
    first, *others = parameter.words
    return Line(f"{first}:{value}", parameter.meaning or parameter.label, tuple(f"{word}:" for word in others))
