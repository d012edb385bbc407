"""Evidence packs as people ask for them: requested on a page, made by the worker, fetched until they expire."""

from __future__ import annotations

import logging
import os
import re
import secrets
import threading
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import IO, TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.http import QueryDict
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts import permissions
from accounts.models import NexmoAccount
from accounts.tokens.limits import Limit
from events.archive import seals
from events.evidence.pack import NotIntact, make_pack
from events.export.about import accounts_of
from events.export.watch import active_user, sees_still
from events.filters.form import EventFilter
from events.models import BackgroundJob, EvidencePack
from events.operations import jobs

if TYPE_CHECKING:
    import uuid
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from accounts.models import AnyUser
    from events.evidence.pack import Contents

logger = logging.getLogger(__name__)

KIND = "evidence_pack"
MOST_KEPT = 10  # files of one person
PER_HOUR = 20  # that one person may ask for, those deleted again too: each seals its accounts for ever
_requests = Limit("evidence", 3600)
FORGOTTEN_AFTER = timedelta(days=30)  # packs without a file
ABANDONED_AFTER = timedelta(hours=1)  # files that belong to no pack
NOTED_EVERY = 1.0  # seconds between two notes of the progress, each of which renews the lease
LEASE = timedelta(minutes=2)
OUR_FILES = re.compile(r"[0-9a-f-]{36}\.[0-9a-f]{8}\.zip(\.part)?")


class Refused(Exception):
    """Why no pack is made, in a sentence for a person."""


class OneAtATime(Refused):
    """The person has a pack already that is not finished."""

    def __init__(self, pack: EvidencePack | None) -> None:
        super().__init__(_("You can have one evidence pack in progress at a time, and this one is not finished yet."))
        self.pack = pack


# --- asking, fetching, deleting -------------------------------------------------------------------------------------


def request(user: AnyUser, account: NexmoAccount | None, event_filter: EventFilter, name: str) -> EvidencePack:
    """Have a pack made by the worker.

    Args:
        account: whose events; None for all accounts that the user may see when the pack is made.
        event_filter: a valid filter. Its days are those of the present time zone, its periods end now.
        name: what the file will be called.

    Raises:
        Refused: the user has a pack that is not finished, too many that are, or has asked too often.
    """
    fail_abandoned()
    packs = EvidencePack.objects.filter(requested_by=user.pk)
    if unfinished := packs.unfinished().first():
        raise OneAtATime(unfinished)
    if packs.filter(state=EvidencePack.State.READY).count() >= MOST_KEPT:
        raise Refused(_("You already have %(count)s evidence packs: delete one first.") % {"count": MOST_KEPT})
    if seconds := _requests.take(str(user.pk), PER_HOUR):
        minutes = -(-seconds // 60)
        text = ngettext(
            "You can request %(limit)s evidence packs an hour. Try again in %(count)s minute.",
            "You can request %(limit)s evidence packs an hour. Try again in %(count)s minutes.",
            minutes,
        )
        raise Refused(text % {"limit": PER_HOUR, "count": minutes})
    try:
        with transaction.atomic():
            pack: EvidencePack = EvidencePack.objects.create(
                requested_by_id=user.pk or 0,
                requested_at=timezone.now(),
                account=account,
                query=_lasting(event_filter),
                time_zone=str(timezone.get_current_timezone()),
                language=translation.get_language() or settings.LANGUAGE_CODE,
                name=name,
            )
            jobs.enqueue(KIND, str(pack.pk), requested_by=user)
    except IntegrityError:  # two requests at once
        raise OneAtATime(packs.unfinished().first()) from None
    return pack


def _lasting(event_filter: EventFilter) -> str:
    """The filter as a query string that means the same whenever it is read: a period has become its beginning."""
    data = event_filter.data.copy()
    if event_filter.active.get("period") and event_filter.conditions.start:
        del data["period"]
        data["date_from"] = event_filter.conditions.start.isoformat()
    return str(data.urlencode())


def open_file(pack: EvidencePack) -> IO[bytes] | None:
    """The file of a pack that can be fetched; None when it is not, or no longer, there."""
    path = _path_of(pack.file)
    expired = pack.expires_at is None or pack.expires_at <= timezone.now()
    if path is None or expired or pack.state != EvidencePack.State.READY:
        return None
    try:
        return path.open("rb")
    except OSError as error:
        logger.error("The file of evidence pack %s cannot be read: %s", pack.pk, error.strerror)
        return None


def may_fetch(user_pk: Any, pk: uuid.UUID) -> bool:
    """Whether a person may have this pack now."""
    user = active_user(user_pk)
    return user is not None and EvidencePack.objects.visible_to(user).filter(pk=pk).exists()


def delete(pack: EvidencePack) -> None:
    """Delete a pack and its file, or stop its making."""
    pack.delete()
    _remove(pack.file)


# --- making ---------------------------------------------------------------------------------------------------------


@jobs.handler(KIND, attempts=3, lease=LEASE)
def make(job: jobs.Claim) -> None:
    """Make the pack that a job is about, from the beginning, however far another attempt came."""
    pack = EvidencePack.objects.unfinished().select_related("requested_by", "account").filter(pk=job.subject).first()
    if pack is None:
        return  # deleted meanwhile
    pack.file = f"{pack.pk}.{secrets.token_hex(4)}.zip"
    EvidencePack.objects.filter(pk=pack.pk).update(
        state=EvidencePack.State.MAKING, file=pack.file, stage="", done=0, total=None
    )
    with translation.override(pack.language):
        try:
            _make(pack, job)
        except (Refused, NotIntact, seals.NoSealKey) as error:
            _fail(pack, str(error))
        except OSError as error:
            logger.exception("Evidence pack %s cannot be written", pack.pk)
            _fail(pack, _("The file could not be written: %(problem)s.") % {"problem": error.strerror or error})


def _make(pack: EvidencePack, job: jobs.Claim) -> None:
    event_filter = _filter_of(pack)
    accounts = [account.pk for account in accounts_of(event_filter)]
    with _private_file(pack.file) as (file, path), _Keeper(pack, job, accounts) as keeper:
        contents = make_pack(
            file,
            event_filter.conditions,
            event_filter.accounts.values(),
            query=pack.list_url,
            made_by=pack.requested_by.get_username(),
            name=pack.name,
            report=keeper.report,
        )
        size = file.seek(0, os.SEEK_END)
    _finish(pack, contents, size, path)


def _filter_of(pack: EvidencePack) -> EventFilter:
    """The filter as it was meant when it was asked for, over what the person may see now. Raises Refused."""
    user = pack.requested_by
    if not user.has_perm(permissions.EXPORT_EVIDENCE):
        raise Refused(_("Evidence packs are for auditors, and you no longer have that role."))
    visible = NexmoAccount.objects.visible_to(user).defer("api_secret", "api_secret_secondary")
    accounts = list(visible.filter(pk=pack.account.pk) if pack.account else visible)
    if pack.account and not accounts:
        raise Refused(_("You can no longer see this account."))
    everything = pack.account is None and NexmoAccount.objects.sees_all(user)
    with timezone.override(ZoneInfo(pack.time_zone)):
        event_filter = EventFilter(QueryDict(pack.query), accounts=accounts, everything=everything)
        if not event_filter.form.is_valid():
            problems = " ".join(str(text) for texts in event_filter.form.errors.values() for text in texts)
            raise Refused(_("The filter is no longer valid: %(problems)s") % {"problems": problems})
        event_filter.conditions  # noqa: B018 - computed here, in this zone
    return event_filter


@contextmanager
def _private_file(name: str) -> Iterator[tuple[IO[bytes], Path]]:
    """A file that only this user of the system can read. It is gone afterwards, unless it was given its name."""
    settings.EVIDENCE_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = settings.EVIDENCE_DIR / f"{name}.part"
    try:
        with open(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "w+b") as file:
            yield file, path
            file.flush()
            os.fsync(file.fileno())
            path.rename(path.with_suffix(""))
    finally:
        path.unlink(missing_ok=True)


class _Keeper:
    """Notes the progress of a pack and renews its job's lease, from a thread of its own: the connection of the thread
    that makes the pack shows one state of the database and must not write."""

    def __init__(self, pack: EvidencePack, job: jobs.Claim, accounts: Collection[int]) -> None:
        self.pack, self.job, self.accounts = pack, job, accounts
        self.progress: dict[str, Any] = {}
        self.over, self.lost, self.hidden = threading.Event(), threading.Event(), threading.Event()
        self.thread = threading.Thread(target=self._keep, daemon=True, name=f"evidence-{pack.pk}")

    def __enter__(self) -> _Keeper:
        self.thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.over.set()
        self.thread.join()

    def report(self, stage: str, done: int, total: int | None) -> None:
        """Take note of the progress. Raises JobInterrupted when there is no more use in going on, and Refused when the
        person may no longer have the pack."""
        self.progress = {"stage": stage, "done": done, "total": total}
        if self.lost.is_set():
            raise jobs.JobInterrupted
        if self.hidden.is_set():
            raise Refused(_("You can no longer see all accounts of this pack."))

    def _keep(self) -> None:
        try:
            while not self.over.wait(NOTED_EVERY):
                try:
                    self.job.renew()
                    if not _mine(self.pack).update(**self.progress or {"stage": ""}):
                        raise jobs.JobInterrupted
                    if not self._may_go_on():
                        self.hidden.set()
                except jobs.JobInterrupted:
                    self.lost.set()
                    return
                except DatabaseError:  # it may be away, or SQLite's lock taken, for a moment: the lease outlasts that
                    logger.warning("The progress of evidence pack %s cannot be noted", self.pack.pk, exc_info=True)
                    connection.close()
        finally:
            connection.close()

    def _may_go_on(self) -> bool:
        """Whether the person may take evidence and sees all the accounts still."""
        user = active_user(self.pack.requested_by_id)
        may_take = user is not None and user.has_perm(permissions.EXPORT_EVIDENCE)
        return may_take and sees_still(user.pk, self.accounts)


def _mine(pack: EvidencePack) -> Any:
    """The pack's row, as long as no other attempt has begun."""
    return EvidencePack.objects.filter(pk=pack.pk, file=pack.file, state=EvidencePack.State.MAKING)


def _finish(pack: EvidencePack, contents: Contents, size: int, path: Path) -> None:
    now = timezone.now()
    with transaction.atomic():
        kept = _mine(pack).update(
            state=EvidencePack.State.READY,
            stage="",
            done=0,
            total=None,
            count=contents.count,
            size=size,
            finished_at=now,
            expires_at=now + settings.EVIDENCE_KEEP,
        )
        if kept:
            # Those without events may have been deleted meanwhile.
            pack.accounts.set(NexmoAccount.objects.filter(pk__in=[account.pk for account in contents.accounts]))
    if not kept:  # deleted, or taken over by another worker
        _remove(pack.file)
        return
    logger.info("Evidence pack %s of %d events is ready", pack.pk, contents.count)


def _fail(pack: EvidencePack, problem: str) -> None:
    _mine(pack).update(state=EvidencePack.State.FAILED, problem=problem, finished_at=timezone.now())


# --- tidying --------------------------------------------------------------------------------------------------------


@jobs.handler("tidy_evidence", every=timedelta(minutes=10))
def tidy(job: jobs.Claim | None = None) -> None:
    """Delete files that have expired or belong to no pack, and forget packs of long ago."""
    now = timezone.now()
    for pack in EvidencePack.objects.filter(state=EvidencePack.State.READY, expires_at__lte=now):
        EvidencePack.objects.filter(pk=pack.pk).update(state=EvidencePack.State.EXPIRED)
        _remove(pack.file)
    without_file = (EvidencePack.State.EXPIRED, EvidencePack.State.FAILED)
    EvidencePack.objects.filter(state__in=without_file, finished_at__lt=now - FORGOTTEN_AFTER).delete()
    fail_abandoned()
    _remove_abandoned_files((now - ABANDONED_AFTER).timestamp())


def fail_abandoned() -> None:
    """Packs whose job was given up have failed, so that another can be asked for."""
    unfinished = EvidencePack.objects.unfinished()
    names = [str(pk) for pk in unfinished.values_list("pk", flat=True)]
    alive = BackgroundJob.objects.filter(kind=KIND, failed_at=None, subject__in=names)
    dead = set(names) - set(alive.values_list("subject", flat=True))
    unfinished.filter(pk__in=dead).update(
        state=EvidencePack.State.FAILED,
        problem=_("Every attempt was interrupted. See the worker's log."),
        finished_at=timezone.now(),
    )


def _remove_abandoned_files(before: float) -> None:
    if not settings.EVIDENCE_DIR.is_dir():
        return
    states = (EvidencePack.State.MAKING, EvidencePack.State.READY)
    wanted = set(EvidencePack.objects.filter(state__in=states).values_list("file", flat=True))
    for path in settings.EVIDENCE_DIR.iterdir():
        with suppress(FileNotFoundError):  # finished or deleted by somebody else just now
            is_old = OUR_FILES.fullmatch(path.name) and path.stat().st_mtime < before
            if is_old and path.name.removesuffix(".part") not in wanted:
                path.unlink()


def _path_of(name: str) -> Path | None:
    """The file of this name; None for a name that we never give: a row may lead nowhere else."""
    return settings.EVIDENCE_DIR / name if OUR_FILES.fullmatch(name) else None


def _remove(name: str) -> None:
    """Remove a file; what cannot be removed now is left to the worker's tidying."""
    try:
        if path := _path_of(name):
            path.unlink(missing_ok=True)
    except OSError as error:
        logger.warning("The evidence file %s cannot be deleted yet: %s", name, error.strerror)
