"""What became of something that was sent: understood from the receiver's answer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from django.utils import timezone

from events.outbound.post import NoAnswer
from events.outbound.targets import Refused

if TYPE_CHECKING:
    from collections.abc import Callable

    from events.outbound.post import Answer

LONGEST_PAUSE = timedelta(hours=1)  # that a receiver may ask for
SOON = (408, 425, 429)  # answers that may be another one later, beside those from 500 on


@dataclass(frozen=True)
class Outcome:
    """How an attempt went.

    Attributes:
        problem: a code of `events.wording.delivery_problems`; empty where it was sent.
        status: what the receiver answered, where it is known.
        is_final: trying again would change nothing.
        of_server: what failed is the server, not this message: no other would fare better now.
        pause: how long the receiver asked to be left alone.
    """

    sent: bool
    problem: str = ""
    status: int | None = None
    is_final: bool = False
    pause: timedelta | None = None
    of_server: bool = False


SENT = Outcome(sent=True)


def of_status(kind: str, status: int, retry_after: str) -> Outcome:
    """What an HTTP status means for the message."""
    if 200 <= status < 300:
        return Outcome(sent=True, status=status)
    later = status in SOON or status >= 500
    return Outcome(
        sent=False,
        problem=f"{kind} {status}",
        status=status,
        is_final=not later,
        pause=read_pause(retry_after) if later else None,
    )


def read_pause(text: str) -> timedelta | None:
    """What Retry-After asks for: seconds, or a date; an hour at most."""
    text = text.strip()
    if text.isascii() and text.isdigit():
        pause = timedelta(seconds=min(int(text[:9]), 10**6))
    else:
        try:
            at = parsedate_to_datetime(text)
            pause = at - timezone.now()
        except (TypeError, ValueError, OverflowError):
            return None
    return min(pause, LONGEST_PAUSE) if pause > timedelta() else None


def attempt(call: Callable[[], Answer]) -> tuple[Answer | None, Outcome]:
    """Post something, and say how it went. The answer is None where there was none."""
    try:
        answer = call()
    except Refused as error:
        return None, Outcome(sent=False, problem=f"refused {error}", is_final=True)
    except NoAnswer as error:
        return None, Outcome(sent=False, problem=error.kind)
    return answer, of_status("http", answer.status, answer.retry_after)
