"""A message before it is put into a channel's form."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from events.models import Severity


@dataclass(frozen=True)
class Message:
    """What is sent, in the reader's language.

    Attributes:
        event_type: what webhooks call it, such as "finding.opened".
        title: one line.
        body: lines of plain text; foreign text in it is quoted (`events.wording.safe_text`).
        data: the same for machines, with foreign text as it is.
        severity: the highest of what it tells.
        url: where to read on.
        topic: the same for all messages about one thing, for services that keep them together.
    """

    event_type: str
    title: str
    body: str
    data: dict[str, Any] = field(default_factory=dict)
    severity: int = Severity.INFORMATIONAL
    url: str = ""
    topic: str = ""
