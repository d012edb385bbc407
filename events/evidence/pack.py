"""Making an evidence pack: a zip that proves, to somebody who trusts one public key, what the archive held."""

from __future__ import annotations

import contextlib
import hashlib
import json
import zipfile
from datetime import UTC
from importlib import resources
from typing import IO, TYPE_CHECKING, Any

from django.db import connection, transaction
from django.db.models import Q, TextField
from django.db.models.functions import Cast
from django.utils import timezone

from events.archive import seals, verify
from events.export.files import COLUMNS, Shape, csv_lines
from events.models import AuditEvent, ChainHead, CoveredSpan
from events.reading import Row
from events.storage import chain

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from accounts.models import NexmoAccount
    from events.models.querysets import AuditEventQuerySet

FORMAT = "auditsite evidence 1"

CHUNK = 500
README = """\
Evidence from Auditsite
=======================

events.ndjson        the events: their account, their place in its chain, their digest, and their record
events.csv           the same events for reading (times are UTC)
links/               for each account the record hashes from before its first event here up to its seal
seals/               for each account a signed statement of the head of its chain
coverage.json        for each account the stretches of time in which it is known to be complete
verify_evidence.py   checks all of this
manifest.json        who asked for what, and when; the SHA-256 of every other file; signed in manifest.sig

To check it, on any machine:

    python3 -m pip install cryptography
    python3 verify_evidence.py {name} --public-key {public_key}

Take the public key from somebody you trust, not from this file: whoever could forge the pack could forge this line.
Read verify_evidence.py before you run it; it is short. It says GENUINE, or names the first thing that does not fit.

What it proves: the events are those that the archive held under the sealed chain, unaltered. What it does not prove:
that Nexmo's own records were right, or that days outside coverage.json are complete.
"""


class _Pack:
    """A zip that remembers the SHA-256 of every file that goes into it."""

    def __init__(self, file: IO[bytes]) -> None:
        self.zip = zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=6)
        self.digests: dict[str, str] = {}

    def write(self, name: str, lines: Iterable[str]) -> int:
        """Write a file piece by piece, in constant memory. Returns the number of pieces."""
        digest, count = hashlib.sha256(), 0
        with self.zip.open(name, "w", force_zip64=True) as file:
            for line in lines:
                data = line.encode()
                digest.update(data)
                file.write(data)
                count += 1
        self.digests[name] = digest.hexdigest()
        return count


def make_pack(
    file: IO[bytes],
    events: AuditEventQuerySet,
    accounts: Iterable[NexmoAccount],
    *,
    query: str,
    made_by: str,
    name: str = "PACK.zip",
) -> int:
    """Write a pack of these events and return how many they are.

    Each account among them is sealed now, so that every event lies under a seal. Raises seals.NoSealKey.

    Args:
        events: what goes in; their accounts must be among `accounts`.
        query: the filter in words or as a URL's query, for the manifest.
        made_by: who asked.
    """
    public = seals.public_key()
    by_pk = {account.pk: account for account in accounts}
    involved = [by_pk[pk] for pk in sorted(set(events.order_by().values_list("account", flat=True)))]
    # Sealed first, and read in one view of the data: what a sync adds meanwhile lies beyond the seals and outside.
    seal_of = {account.pk: seals.seal(account) for account in involved}
    pack = _Pack(file)
    with transaction.atomic() if connection.vendor == "postgresql" else contextlib.nullcontext():
        sealed = _up_to_seals(events, seal_of)
        count = pack.write("events.ndjson", _event_lines(sealed, by_pk))
        pack.write("events.csv", csv_lines(_rows(sealed), by_pk, Shape(COLUMNS, UTC)))
        chains = {}
        for account in involved:
            first = sealed.filter(account=account).order_by("seq").values_list("seq", flat=True).first()
            if first is None:
                continue
            start, digest = _start(account, first)
            links, seal_name = f"links/{account.api_key}.txt", f"seals/{account.api_key}.json"
            pack.write(links, _link_lines(account, start, digest, seal_of[account.pk].seq))
            pack.write(seal_name, [json.dumps(seals.export(seal_of[account.pk]))])
            chains[account.api_key] = {"first": start, "links": links, "seal": seal_name}
        pack.write("coverage.json", [json.dumps(_coverage(involved), indent=2)])
    pack.write("verify_evidence.py", [_verifier()])
    pack.write("README.txt", [README.format(name=name, public_key=public)])
    manifest = json.dumps(
        {
            "format": FORMAT,
            "made_at": timezone.now().isoformat(timespec="seconds"),
            "made_by": made_by,
            "query": query,
            "count": count,
            "fields": chain.FIELDS,
            "chains": chains,
            "public_key": public,
            "files": pack.digests,
        },
        indent=2,
    )
    pack.write("manifest.json", [manifest])
    pack.write("manifest.sig", [seals.sign(manifest)])
    pack.zip.close()
    return count


def _up_to_seals(events: AuditEventQuerySet, seal_of: dict[int, Any]) -> AuditEventQuerySet:
    within = Q(pk__in=[])
    for pk, seal in seal_of.items():
        within |= Q(account=pk, seq__lte=seal.seq)
    return events.filter(within)


def _event_lines(events: AuditEventQuerySet, accounts: dict[int, NexmoAccount]) -> Iterator[str]:
    for event in events.order_by("account", "seq").iterator(chunk_size=CHUNK):
        api_key = accounts[event.account_id].api_key
        line = {"account": api_key, "digest": event.digest, "record": chain.values_of(event)}
        yield json.dumps(line) + "\n"


def _rows(events: AuditEventQuerySet) -> Iterator[Row]:
    fields = ("context_text" if name == "context" else name for name in Row._fields)
    rows = events.annotate(context_text=Cast("context", TextField())).values_list(*fields)
    return (Row._make(row) for row in rows.newest_first().iterator(chunk_size=CHUNK))


def _start(account: NexmoAccount, first: int) -> tuple[int, bytes]:
    """The number to begin the links with, and the digest before it: the nearest earlier event still there."""
    before = AuditEvent.objects.filter(account=account, seq__lt=first).order_by("-seq").values("seq", "digest").first()
    if before:
        return before["seq"] + 1, bytes.fromhex(before["digest"])
    return 1, chain.genesis(ChainHead.objects.get(account=account).chain_id)


def _link_lines(account: NexmoAccount, start: int, digest: bytes, last: int) -> Iterator[str]:
    yield digest.hex() + "\n"
    for _, record_hash in verify.record_hashes(account, start, last):
        yield record_hash.hex() + "\n"


def _coverage(accounts: list[NexmoAccount]) -> dict[str, list[list[str | None]]]:
    return {
        account.api_key: [
            [span.start.isoformat() if span.start else None, span.end.isoformat()]
            for span in CoveredSpan.objects.filter(account=account).order_by("end")
        ]
        for account in accounts
    }


def _verifier() -> str:
    return resources.files("events.evidence").joinpath("verify_evidence.py").read_text(encoding="utf-8")
