"""Making an evidence pack: a zip that proves, to somebody who trusts one public key, what the archive held."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import logging
import zipfile
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import resources
from itertools import islice
from typing import IO, TYPE_CHECKING, Any

from django.utils import timezone
from django.utils.translation import gettext as _

from events.archive import review_statements, seals, verify
from events.evidence import verify_evidence
from events.export.columns import FOR_PROGRAMS, Shape
from events.export.files import csv_lines
from events.models import AuditEvent, ChainHead, EvidencePack, ReviewStatement
from events.reading.stream import stream_keys, stream_rows
from events.storage import chain
from events.storage.transactions import snapshot
from events.wording.printable import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from accounts.models import NexmoAccount
    from events.models import Seal
    from events.reading import Row
    from events.reading.conditions import Conditions

    # Called now and then with the stage, how much of it is done, and of how much where that is known.
    Report = Callable[[str, int, int | None], None]

logger = logging.getLogger(__name__)

FORMAT = "auditsite evidence 1"
Stage = EvidencePack.Stage

CHUNK = 500
README = """\
Evidence from Auditsite
=======================

events.ndjson        the events, newest first: the account, the digest in its chain, and the record of each
events.csv           the same events, in the same order, for reading (times are UTC)
links/               for each account the record hashes from before its first event here up to its seal
seals/               for each account a signed statement of the head of its chain
reviews/             for each account that has any, signed statements of who looked through its events of this time
coverage.json        for each account the periods in which it was known to be complete when it was sealed
verify_evidence.py   checks all of this
manifest.json        who asked for what, and when; the SHA-256 of every other file; signed in manifest.sig

To check it, on any machine:

    python3 -m pip install cryptography
    python3 verify_evidence.py {name} --public-key {public_key}

Take the public key from somebody you trust, not from this file: whoever could forge the pack could forge this line.
Read verify_evidence.py before you run it. It says GENUINE, or names the first thing that does not fit. Without
--public-key it can only say CONSISTENT: anybody could have made the pack.

What it proves: the events are those that the archive held under the sealed chain, unaltered. What it does not prove:
that Nexmo's own records were right, or that days outside coverage.json are complete. That none is missing which the
filter finds was verified when the pack was made, but only a pack of all events of an account proves it: they are as
many as its seal counts, less those that it says were removed.
"""


def silently(stage: str, done: int, total: int | None) -> None:
    """A report to nobody."""


class NotIntact(Exception):
    """Events could be hidden from the filter, and would be missing from the pack."""

    def __init__(self) -> None:
        super().__init__(
            _("The archive failed verification: a pack could lack events. Run `manage.py verify_archive`.")
        )


@dataclass
class Contents:
    """What a pack holds."""

    count: int = 0
    accounts: list[NexmoAccount] = field(default_factory=list)


def make_pack(
    file: IO[bytes],
    conditions: Conditions,
    accounts: Iterable[NexmoAccount],
    *,
    query: str,
    made_by: str,
    name: str = "PACK.zip",
    report: Report = silently,
) -> Contents:
    """Write a pack of the events that match.

    Each account with such events is sealed first, so that every event lies under a seal. Then everything is read from
    one state of the database: what a sync adds or retention removes meanwhile makes no file differ from another.

    Args:
        accounts: whose events may go in, whatever the conditions say.
        query: the filter as a URL's query or in words, for the manifest.
        made_by: who asked.
        report: told about the progress; what it raises ends the making.

    Raises:
        seals.NoSealKey: there is no key to sign with.
        NotIntact: events could be hidden from the filter.
    """
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        return _Maker(archive, conditions, list(accounts), report).make(query, made_by, name)


class _Maker:
    def __init__(
        self, archive: zipfile.ZipFile, conditions: Conditions, accounts: list[NexmoAccount], report: Report
    ) -> None:
        self.zip = archive
        self.digests: dict[str, str] = {}
        self.sizes: dict[str, int] = {}
        # A pack has one order, however the page was read.
        self.conditions, self.report = dataclasses.replace(conditions, oldest_first=False), report
        self.accounts = [
            account for account in accounts if conditions.accounts is None or account.pk in conditions.accounts
        ]
        self.seals: dict[int, Seal] = {}
        self.firsts: dict[int, int] = {}  # the lowest number in its chain of each account's events here
        self.beyond: set[int] = set()  # keys of events that were added after their account was sealed
        self.count = 0

    def make(self, query: str, made_by: str, name: str) -> Contents:
        public = seals.public_key()
        self._seal()
        by_pk = {account.pk: account for account in self.accounts if account.pk in self.seals}
        conditions = dataclasses.replace(self.conditions, accounts=tuple(by_pk))
        with snapshot():
            self._check()
            self._write("events.ndjson", self._event_lines(conditions, by_pk))
            self._write("events.csv", csv_lines(self._rows(conditions), by_pk, Shape(FOR_PROGRAMS, UTC)))
            involved = [by_pk[pk] for pk in sorted(self.firsts)]
            chains = self._write_chains(involved)
        covered = {account.api_key: self._statement(account)["covered"] for account in involved}
        self._write("coverage.json", [json.dumps(covered, indent=2)])
        self._write("verify_evidence.py", [_verifier()])
        self._write("README.txt", [README.format(name=name, public_key=public)])
        manifest = json.dumps(
            {
                "format": FORMAT,
                "made_at": timezone.now().isoformat(timespec="seconds"),
                "made_by": made_by,
                "query": query,
                "conditions": _in_plain_values(self.conditions, self.accounts),
                "count": self.count,
                "fields": chain.FIELDS,
                "chains": chains,
                "public_key": public,
                "files": self.digests,
                "sizes": self.sizes,
            },
            indent=2,
        )
        self._write("manifest.json", [manifest])
        self._write("manifest.sig", [seals.sign(manifest)])
        return Contents(self.count, involved)

    def _write(self, name: str, pieces: Iterable[str]) -> None:
        """Write a file piece by piece, in constant memory."""
        digest, size = hashlib.sha256(), 0
        with self.zip.open(name, "w", force_zip64=True) as file:
            for piece in pieces:
                data = piece.encode()
                digest.update(data)
                size += len(data)
                file.write(data)
        # Whatever machine this is: the verifier takes nothing else.
        info = self.zip.getinfo(name)
        info.create_system, info.external_attr = verify_evidence.UNIX, verify_evidence.PLAIN_FILE
        self.digests[name], self.sizes[name] = digest.hexdigest(), size

    def _seal(self) -> None:
        """Seal each account that has an event that matches."""
        for number, account in enumerate(self.accounts):
            self.report(Stage.SEALING, number, len(self.accounts))
            its_own = dataclasses.replace(self.conditions, accounts=(account.pk,))
            if next(stream_keys(its_own), None) is not None:
                self.seals[account.pk] = seals.seal(account)

    def _check(self) -> None:
        """Nothing may be hidden from the filter: what it does not find would be missing from a genuine pack."""
        heads = dict(ChainHead.objects.filter(account__in=self.accounts).values_list("account", "seq"))
        total = sum(heads.values())
        done = 0

        def checked() -> Iterator[NexmoAccount]:
            nonlocal done
            for account in self.accounts:
                self.report(Stage.CHECKING, done, total)
                yield account
                done += heads.get(account.pk, 0)

        if hidden := verify.hidden_from_filters(
            checked(),
            text=self.conditions.looked_for,
            progress=lambda events: self.report(Stage.CHECKING, done + events, total),
        ):
            logger.error("No evidence pack can be made: %s", printable(hidden))
            raise NotIntact

    def _event_lines(self, conditions: Conditions, accounts: dict[int, NexmoAccount]) -> Iterator[str]:
        self.report(Stage.EVENTS, 0, None)
        keys = stream_keys(conditions)
        while chunk := list(islice(keys, CHUNK)):
            events = AuditEvent.objects.defer("searchable").in_bulk(chunk)
            for event in (events[pk] for pk in chunk):
                if event.seq > self.seals[event.account_id].seq:
                    self.beyond.add(event.pk)
                    continue
                self.firsts[event.account_id] = min(event.seq, self.firsts.get(event.account_id, event.seq))
                self.count += 1
                api_key = accounts[event.account_id].api_key
                line = {"account": api_key, "digest": event.digest, "record": chain.values_of(event)}
                yield json.dumps(line) + "\n"
            self.report(Stage.EVENTS, self.count, None)

    def _rows(self, conditions: Conditions) -> Iterator[Row]:
        written = 0
        for row in stream_rows(conditions):
            if row.pk in self.beyond:
                continue
            if not written % CHUNK:
                self.report(Stage.TABLE, written, self.count)
            written += 1
            yield row

    def _write_chains(self, accounts: list[NexmoAccount]) -> dict[str, dict[str, Any]]:
        starts = {account.pk: _start(account, self.firsts[account.pk]) for account in accounts}
        total = sum(self.seals[pk].seq - first + 1 for pk, (first, _) in starts.items())
        done = 0
        chains = {}

        def link_lines(account: NexmoAccount) -> Iterator[str]:
            nonlocal done
            first, digest = starts[account.pk]
            yield digest.hex() + "\n"
            for _seq, record_hash in verify.record_hashes(account, first, self.seals[account.pk].seq):
                if not done % CHUNK:
                    self.report(Stage.CHAINS, done, total)
                done += 1
                yield record_hash.hex() + "\n"

        for account in accounts:
            links, seal = f"links/{account.api_key}.txt", f"seals/{account.api_key}.json"
            self._write(links, link_lines(account))
            self._write(seal, [json.dumps(seals.export(self.seals[account.pk]))])
            chains[account.api_key] = {"first": starts[account.pk][0], "links": links, "seal": seal}
            lines = self._review_lines(account)
            if (first_line := next(lines, None)) is not None:
                reviews = chains[account.api_key]["reviews"] = f"reviews/{account.api_key}.ndjson"
                self._write(reviews, (line for part in ([first_line], lines) for line in part))
        return chains

    def _review_lines(self, account: NexmoAccount) -> Iterator[str]:
        """Reviews of an account whose period overlaps the pack's, as they were signed before the account was sealed."""
        rows = ReviewStatement.objects.filter(account=account).order_by("review__signed_at", "pk")
        if self.conditions.end:
            rows = rows.exclude(review__start__gt=self.conditions.end)
        if self.conditions.start:
            rows = rows.filter(review__end__gte=self.conditions.start)
        for row in rows.iterator(chunk_size=CHUNK):
            if json.loads(row.statement)["head"]["count"] <= self.seals[account.pk].seq:
                yield json.dumps(review_statements.export(row)) + "\n"

    def _statement(self, account: NexmoAccount) -> dict[str, Any]:
        statement: dict[str, Any] = json.loads(self.seals[account.pk].statement)
        return statement


def _start(account: NexmoAccount, first: int) -> tuple[int, bytes]:
    """The number to begin the links with, and the digest before it: the nearest earlier event still there."""
    before = AuditEvent.objects.filter(account=account, seq__lt=first).order_by("-seq").values("seq", "digest").first()
    if before:
        return before["seq"] + 1, bytes.fromhex(before["digest"])
    return 1, chain.genesis(ChainHead.objects.get(account=account).chain_id)


def _in_plain_values(conditions: Conditions, accounts: list[NexmoAccount]) -> dict[str, Any]:
    """What the query meant when the pack was made: periods as times, names as codes."""
    keys = None if conditions.accounts is None else [account.api_key for account in accounts]
    values = dataclasses.asdict(conditions) | {"accounts": keys}
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in values.items()
        if value or name == "accounts"
    }


def _verifier() -> str:
    return resources.files("events.evidence").joinpath("verify_evidence.py").read_text(encoding="utf-8")
