"""What code says of a request that is being answered; the entry is written once, before the answer leaves."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from django.utils.crypto import salted_hmac

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.http import HttpRequest

    from accounts.access.words import Action, Kind


@dataclass(frozen=True)
class Note:
    """Something that was done.

    Attributes:
        person: who, where that is not who is logged in by then.
        session: the mark of the session, where that has ended by then.
    """

    action: Action
    kind: Kind
    object_id: str = ""
    object_name: str = ""
    accounts: tuple[str, ...] = ()
    person: Any = None
    detail: dict[str, Any] = field(default_factory=dict)
    session: str = ""


def note(
    request: HttpRequest | None,
    action: Action,
    kind: Kind,
    *,
    obj: Any = None,
    accounts: Iterable[str] = (),
    person: Any = None,
    session: str = "",
    **detail: Any,
) -> None:
    """Say what was done: each note makes an entry, a logout only where there is no other note.

    Args:
        request: None where nobody waits for an answer: nothing is noted then.
        obj: the object, whose key and name are kept; or its name.
        accounts: API keys.
        detail: more to keep. Never a secret, nor a value that a person typed where a secret belongs.
    """
    if request is None:
        return
    key = str(getattr(obj, "pk", "") or "")
    name = "" if obj is None else str(obj)
    notes_of(request).append(Note(action, kind, key, name, tuple(accounts), person, detail, session))


@lru_cache(maxsize=1_024)
def session_mark(key: str) -> str:
    """What tells a session's entries from those of others; its key cannot be found from it."""
    return salted_hmac("auditsite.access.session", key, algorithm="sha256").hexdigest()[:16]


def about(request: HttpRequest, obj: Any) -> None:
    """Say which object an address names, so that its entry still says so when the object is gone."""
    request.access_object = obj, obj.pk  # type: ignore[attr-defined]  # a deleted one has no key any more


def name_of(request: HttpRequest, key: str) -> str:
    """The name of the object that `about` was told of, if that has this key."""
    obj, pk = getattr(request, "access_object", (None, None))
    return str(obj) if obj is not None and str(pk) == key else ""


def notes_of(request: HttpRequest) -> list[Note]:
    """What was said of a request so far."""
    notes: list[Note] | None = getattr(request, "access_notes", None)
    if notes is None:
        notes = request.access_notes = []  # type: ignore[attr-defined]
    return notes


@dataclass
class Rows:
    """How many rows of a file were written; None while nobody counts."""

    written: int | None = None

    def wrote(self, rows: int) -> None:
        self.written = (self.written or 0) + rows


def rows_of(request: HttpRequest) -> Rows:
    """Where an export counts its rows, for the entry that says how it ended."""
    rows: Rows | None = getattr(request, "access_rows", None)
    if rows is None:
        rows = request.access_rows = Rows()  # type: ignore[attr-defined]
    return rows
