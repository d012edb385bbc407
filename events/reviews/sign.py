"""Signing off: asked for on a page, done by a worker, which alone holds the key.

The statement says what the archive held when it was signed. Its events are read in pieces, without a lock: the chain
up to its head of that moment does not change any more, but for what retention removes, and then the reading begins
again.
"""

from __future__ import annotations

import logging
import time
from array import array
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Exists, OuterRef
from django.http import QueryDict
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from accounts.models import NexmoAccount
from events.archive import proven_coverage, seals
from events.archive.review_statements import FORMAT, EventsDigest, as_ranges, moment, text_of
from events.filters.form import EventFilter
from events.models import AuditEvent, BackgroundJob, ChainHead, RemovedEvent, Review, ReviewStatement, SignOff
from events.operations import jobs
from events.reading.stream import stream_keys
from events.reviews import fulfilment
from events.reviews.matter import Matter
from events.reviews.plain_conditions import InAccount, from_plain
from events.storage import chain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from accounts.models import AnyUser
    from events.models import DueReview

logger = logging.getLogger(__name__)

AT_ONCE = 20_000  # events; more are left to the threads that also do other long work
SHORT, LONG = "sign_review", "sign_long_review"
CHUNK = 1_000
NOTED_EVERY = 1.0  # seconds
READINGS = 5  # begun anew because retention removed something meanwhile
MOST_WAITING = 20  # of one person
KEPT = timedelta(days=1)  # of what was signed
KEPT_FAILED = timedelta(days=30)


class Refused(Exception):
    """Why nothing is signed, in a sentence for a person."""


# --- asking ---------------------------------------------------------------------------------------------------------


def request(user: AnyUser, matter: Matter, note: str, due: DueReview | None = None) -> SignOff:
    """Have a review signed by a worker.

    Args:
        matter: what the page showed.
        due: which period of which schedule it fulfils.

    Raises:
        Refused: too many of the person's wait already, or there is no account.
    """
    if not matter.accounts:
        raise Refused(_("There is no account to sign off. Change the filter."))
    fail_abandoned()
    if _unsigned(SignOff.objects.filter(person=user.pk)).count() >= MOST_WAITING:
        raise Refused(_("Too many of your reviews are waiting to be signed: wait, or discard one of them first."))
    count = matter.count
    with transaction.atomic():
        sign_off: SignOff = SignOff.objects.create(
            person_id=user.pk or 0,
            requested_at=timezone.now(),
            query=matter.query,
            shown=None if count.at_least else count.number,
            note=note,
            time_zone=str(timezone.get_current_timezone()),
            language=translation.get_language() or settings.LANGUAGE_CODE,
            due=due,
        )
        sign_off.accounts.set(matter.accounts)
        jobs.enqueue(_kind(sign_off), str(sign_off.pk), requested_by=user)
    return sign_off


def retry(sign_off: SignOff) -> None:
    """Try again what failed."""
    SignOff.objects.filter(pk=sign_off.pk).update(problem="", done=0)
    jobs.enqueue(_kind(sign_off), str(sign_off.pk), requested_by=sign_off.person)


def discard(sign_off: SignOff) -> None:
    """Sign nothing after all; what is signed stays."""
    SignOff.objects.filter(pk=sign_off.pk).delete()


def unsigned_of(user: AnyUser) -> list[SignOff]:
    """What the user asked to have signed, and is not."""
    return list(_unsigned(SignOff.objects.filter(person=user.pk)))


def _kind(sign_off: SignOff) -> str:
    return LONG if sign_off.shown is None or sign_off.shown > AT_ONCE else SHORT


def _unsigned(sign_offs: Any) -> Any:
    return sign_offs.filter(~Exists(Review.objects.filter(pk=OuterRef("pk"))))


# --- signing --------------------------------------------------------------------------------------------------------


@jobs.handler(SHORT, attempts=5, urgent=True)
def sign_short(job: jobs.Claim) -> None:
    """The same for few events: somebody looks at the page."""
    sign(job)


@jobs.handler(LONG, attempts=5)
def sign(job: jobs.Claim) -> None:
    """Sign what a job is about, unless that was done or discarded meanwhile."""
    waiting = _unsigned(SignOff.objects.filter(pk=job.subject)).select_related("person", "due__schedule")
    sign_off = waiting.first()
    if sign_off is None:
        return
    with translation.override(sign_off.language), timezone.override(ZoneInfo(sign_off.time_zone)):
        try:
            matter = Matter(_filter_of(sign_off))
            _keep(sign_off, matter, _parts(sign_off, matter, job))
        except (Refused, seals.NoSealKey) as error:
            SignOff.objects.filter(pk=sign_off.pk).update(problem=str(error))


@dataclass(frozen=True)
class _Part:
    account: NexmoAccount
    values: dict[str, Any]
    numbers: str


def _parts(sign_off: SignOff, matter: Matter, job: jobs.Claim) -> list[_Part]:
    """What each account's statement says, but for the time of signing. Raises NoSealKey."""
    key = seals.key_id(seals.public_key())
    person = sign_off.person
    common = {
        "format": FORMAT,
        "review": str(sign_off.pk),
        "person": {
            "id": person.pk,
            "username": person.get_username(),
            "name": person.get_full_name(),
            "email": person.email,
        },
        "note": sign_off.note,
        "period": [moment(matter.start) if matter.start else None, moment(matter.end)],
        "key": key,
    }
    parts, done = [], 0
    for account in matter.accounts:
        head = _head(account)
        stated = InAccount(matter.event_filter, account).stated()
        period = [(matter.start or proven_coverage.BEGINNING, matter.end)]
        count, digest, numbers = _events(account, stated["conditions"], head.seq, _Progress(sign_off, job, done))
        done += count
        own = {
            "account": account.api_key,
            "chain": head.chain_id,
            "head": {"count": head.seq, "digest": head.digest or chain.genesis(head.chain_id).hex()},
            "events": {"count": count, "digest": digest},
            "filter": stated,
            "covered": proven_coverage.statement(account, within=period),
            "removed": RemovedEvent.objects.filter(account=account).count(),
        }
        parts.append(_Part(account, common | own, numbers))
    return parts


def _filter_of(sign_off: SignOff) -> EventFilter:
    """The filter that the page showed. Raises Refused."""
    event_filter = EventFilter(QueryDict(sign_off.query), accounts=_still_visible(sign_off))
    if not event_filter.form.is_valid():
        problems = " ".join(str(text) for texts in event_filter.form.errors.values() for text in texts)
        raise Refused(_("The filter is no longer valid: %(problems)s") % {"problems": problems})
    return event_filter


def _still_visible(sign_off: SignOff) -> list[NexmoAccount]:
    """The accounts that the page showed, as long as the person may see all of them. Raises Refused."""
    person = User.objects.get(pk=sign_off.person_id)  # as the database has it now, and nothing remembered
    wanted = set(sign_off.accounts.values_list("pk", flat=True))
    visible = NexmoAccount.objects.visible_to(person).defer("api_secret", "api_secret_secondary")
    accounts = list(visible.filter(pk__in=wanted)) if person.is_active else []
    if not accounts or len(accounts) < len(wanted):
        raise Refused(
            _("You can no longer see all of these accounts. Open the events again and sign off what you see.")
        )
    return accounts


def _head(account: NexmoAccount) -> ChainHead:
    with transaction.atomic():
        head: ChainHead = ChainHead.objects.get_or_create(account=account)[0]
    return head


class _Progress:
    """Notes now and then how many events have been read, and holds the job."""

    def __init__(self, sign_off: SignOff, job: jobs.Claim, before: int) -> None:
        self.sign_off, self.job, self.before = sign_off, job, before
        self.next = 0.0

    def note(self, done: int) -> None:
        """Raises JobInterrupted."""
        now = time.monotonic()
        if now < self.next:
            return
        self.next = now + NOTED_EVERY
        self.job.renew()
        SignOff.objects.filter(pk=self.sign_off.pk).update(done=self.before + done)


def _events(account: NexmoAccount, plain: dict[str, Any], last: int, progress: _Progress) -> tuple[int, str, str]:
    """How many of an account's events up to this place in the chain match, their digest, and their numbers."""
    for _reading in range(READINGS):
        numbers = matching(account, plain, last, progress.note)
        events = EventsDigest()
        for number, digest in _digests(account, numbers):
            events.add(number, digest)
            if not events.count % CHUNK:
                progress.note(events.count)
        if events.count == len(numbers):
            return events.count, events.hex(), as_ranges(numbers)
    raise jobs.JobFailed(f"events of {account.api_key} are being removed", retry=True)


def matching(account: NexmoAccount, plain: dict[str, Any], last: int, note: Any = None) -> array[int]:
    """The numbers of the account's events that match, up to one, in ascending order. Eight bytes for each."""
    numbers = array("Q")
    keys = stream_keys(from_plain(plain, account.pk))
    while chunk := list(islice(keys, CHUNK)):
        numbers.extend(AuditEvent.objects.filter(pk__in=chunk, seq__lte=last).values_list("seq", flat=True))
        if note:
            note(0)
    return array("Q", sorted(numbers))


def _digests(account: NexmoAccount, numbers: array[int]) -> Iterator[tuple[int, str]]:
    """Number and digest of these events that are there."""
    for start in range(0, len(numbers), CHUNK):
        chunk = numbers[start : start + CHUNK].tolist()
        events = AuditEvent.objects.filter(account=account, seq__gte=chunk[0], seq__lte=chunk[-1])
        if chunk[-1] - chunk[0] >= 2 * CHUNK:  # few among many
            events = events.filter(seq__in=chunk)
        wanted = set(chunk)
        rows = events.order_by("seq").values_list("seq", "digest").iterator(chunk_size=CHUNK)
        yield from (row for row in rows if row[0] in wanted)


@transaction.atomic
def _keep(sign_off: SignOff, matter: Matter, parts: list[_Part]) -> None:
    """Sign all parts and keep them, unless that was done or discarded meanwhile. Raises Refused: reading may have taken
    so long that the person lost an account, or may not log in any more."""
    if not _unsigned(SignOff.objects.select_for_update().filter(pk=sign_off.pk)).exists():
        return
    _still_visible(sign_off)
    person, now = sign_off.person, timezone.now()
    review = Review.objects.create(
        pk=sign_off.pk,
        person=person,
        username=person.get_username(),
        name=person.get_full_name(),
        email=person.email,
        signed_at=now,
        start=matter.start,
        end=matter.end,
        note=sign_off.note,
    )
    statements = []
    for part in parts:
        text = text_of(part.values | {"signed_at": moment(now)})
        statements.append(
            ReviewStatement(
                review=review,
                account=part.account,
                count=part.values["events"]["count"],
                statement=text,
                signature=seals.sign(text),
                key_id=part.values["key"],
                numbers=part.numbers,
            )
        )
    ReviewStatement.objects.bulk_create(statements, batch_size=100)
    if sign_off.due:
        fulfilment.fulfil(sign_off.due, review)
    logger.info("%s signed off review %s over %d accounts", person.get_username(), review.pk, len(parts))


# --- tidying --------------------------------------------------------------------------------------------------------


@jobs.handler("tidy_reviews", every=timedelta(hours=1))
def tidy(job: jobs.Claim | None = None) -> None:
    """Forget what was asked for: soon where it was signed, later where it failed."""
    now = timezone.now()
    fail_abandoned()
    signed = Exists(Review.objects.filter(pk=OuterRef("pk")))
    SignOff.objects.filter(signed, requested_at__lt=now - KEPT).delete()
    SignOff.objects.exclude(problem="").filter(requested_at__lt=now - KEPT_FAILED).delete()


def fail_abandoned() -> None:
    """What no job is about any more was given up, and can be asked for again."""
    waiting = _unsigned(SignOff.objects.filter(problem=""))
    languages = {str(pk): language for pk, language in waiting.values_list("pk", "language")}
    alive = BackgroundJob.objects.filter(kind__in=(SHORT, LONG), failed_at=None, subject__in=list(languages))
    for pk in set(languages) - set(alive.values_list("subject", flat=True)):
        with translation.override(languages[pk]):
            waiting.filter(pk=pk).update(problem=_("Every attempt was interrupted. See the worker's log."))
