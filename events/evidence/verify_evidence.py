#!/usr/bin/env python3
"""Check an evidence pack, or a file of seals or of a review, from Auditsite, without Auditsite.

    python3 verify_evidence.py PACK.zip --public-key HEX
    python3 verify_evidence.py SEALS.ndjson --public-key HEX
    python3 verify_evidence.py REVIEW.ndjson --public-key HEX

Needs Python 3.9 or newer and the package `cryptography`. Get the public key from somebody you trust, not from the
pack. Without --public-key a pack is checked with the key it names itself: that shows that it is consistent, but
anybody could have made it.

Exit code 0: genuine and complete. 1: not genuine, and the first fault is named. 2: `cryptography` is missing.
3: consistent, but no key was given to check it with.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import struct
import sys
import zlib
from typing import IO, TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FORMAT = "auditsite evidence 1"
REVIEW_FORMAT = "auditsite review 1"
SEAL_FORMATS = ("auditsite seal 1", "auditsite seal 2")  # the second states the digest of the ledger too

BLOCK = 1 << 20  # bytes read or unpacked at a time
NEWEST = 45  # the version of the zip format that a file may ask for: 4.5, which knows large ones
UNIX, PLAIN_FILE = 3, 0o600 << 16  # or else a program might unpack a link, a folder, or what runs as somebody else
MOST_IN_DIRECTORY = 32 << 20  # bytes of the zip's own directory
MOST_IN_FILE = 64 << 20  # bytes of a file that is held in memory whole
MOST_IN_LINE = 128 << 20  # bytes of one event and its record
LEAST_PER_EVENT = 24  # compressed bytes: a digest alone takes 32
RANGE = re.compile(r"([1-9][0-9]{0,18})(?:-([1-9][0-9]{0,18}))?")
HEX_64, HEX_128 = re.compile(r"[0-9a-f]{64}"), re.compile(r"[0-9a-f]{128}")


class Fault(Exception):
    """Why a file is not genuine."""


# --- what is printed ------------------------------------------------------------------------------------------------


def printable(text: str) -> str:
    """Text on one line, without anything that a terminal would obey: such characters are shown as their codes."""
    safe = "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text[:2_000])
    return safe if len(text) <= 2_000 else safe + "..."


def say_line(text: str) -> None:
    encoding = sys.stdout.encoding or "utf-8"
    print(printable(text).encode(encoding, "backslashreplace").decode(encoding))


# --- signatures -----------------------------------------------------------------------------------------------------


def check_key(public_key: str) -> str:
    if not HEX_64.fullmatch(public_key.strip().lower()):
        raise Fault("a public key is 64 hex digits; this is none")
    return public_key.strip().lower()


def check_signature(text: bytes, signature: str, public_key: str, what: str) -> None:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        if not HEX_128.fullmatch(signature):
            raise ValueError
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(public_key)).verify(bytes.fromhex(signature), text)
    except (InvalidSignature, ValueError):
        raise Fault(f"{what} was not signed with the key {public_key[:16]}...") from None


# --- the zip --------------------------------------------------------------------------------------------------------


class Member(NamedTuple):
    """A file in the zip: where its compressed bytes begin, and what the directory says of it."""

    start: int
    method: int
    crc: int
    compressed: int
    size: int


class Pack:
    """A zip that can be read in one way only.

    Programs that unpack zips differ where a file occurs twice, bytes lie outside any file, or a file's own header says
    something else than the directory: what one of them unpacks is not what another one checked. Such zips are refused.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file
        self.members = self._read_directory()

    def chunks(self, name: str) -> Iterator[bytes]:
        """A file's content, never much of it at once and never more than the directory announced."""
        member = self.members[name]
        unpacker = zlib.decompressobj(-15) if member.method else None
        left, size, crc, position = member.compressed, 0, 0, member.start
        damaged = Fault(f"the file {name} in the pack is damaged")
        waiting = b""
        while left or waiting:
            if not waiting:
                self.file.seek(position)
                waiting = self.file.read(min(BLOCK, left))
                if not waiting:
                    raise damaged
                position, left = position + len(waiting), left - len(waiting)
            if unpacker is None:
                data, waiting = waiting, b""
            else:
                try:
                    data = unpacker.decompress(waiting, BLOCK)
                except zlib.error:
                    raise damaged from None
                waiting = unpacker.unconsumed_tail
                if unpacker.unused_data or (unpacker.eof and left):
                    raise damaged
            size, crc = size + len(data), zlib.crc32(data, crc)
            if size > member.size:
                raise damaged
            yield data
        if unpacker is not None:
            data = unpacker.flush()
            size, crc = size + len(data), zlib.crc32(data, crc)
            if not unpacker.eof:
                raise damaged
            yield data
        if (size, crc) != (member.size, member.crc):
            raise damaged

    def read(self, name: str) -> bytes:
        """A small file."""
        if name not in self.members:
            raise Fault(f"{name} is missing from the pack")
        if self.members[name].size > MOST_IN_FILE:
            raise Fault(f"{name} is larger than it can be in a genuine pack")
        return b"".join(self.chunks(name))

    def lines(self, name: str, most: int) -> Iterator[bytes]:
        """The lines of a file, none of which may be longer than `most` bytes."""
        parts: list[bytes] = []
        length = 0
        for data in self.chunks(name):
            *ended, rest = data.split(b"\n")
            for line in ended:
                yield b"".join([*parts, line])
                parts, length = [], 0
            length += len(rest)
            if length > most:
                raise Fault(f"a line of {name} is longer than it can be in a genuine pack")
            parts.append(rest)
        if last := b"".join(parts):
            yield last

    def _read_directory(self) -> dict[str, Member]:
        count, size, start, end = self._find_directory()
        if size > MOST_IN_DIRECTORY:
            raise Fault("the zip's directory is larger than it can be in a genuine pack")
        if start + size != end:
            raise Fault("the zip has bytes before its first file, between its parts or after its end")
        directory = self._bytes(start, size)
        members: dict[str, Member] = {}
        position = free = 0
        for _ in range(count):
            signature, tool, system, version, *shared, extra_length, comment_length, disk, kind, mode, offset = _unpack(
                "<4sBBHHHHHLLLHHHHHLL", directory, position
            )
            flags, method, time, date, crc, compressed, full, name_length = shared
            position += 46
            raw_name = directory[position : position + name_length]
            extra = directory[position + name_length : position + name_length + extra_length]
            position += name_length + extra_length + comment_length
            name = _name(raw_name, flags)
            if (
                signature != b"PK\1\2"
                or flags & ~0x800
                or method not in (0, 8)
                or version > NEWEST
                or disk
                or comment_length
                or tool > NEWEST
                or (system, kind, mode) != (UNIX, 0, PLAIN_FILE)
            ):
                raise Fault(f"the zip's entry for {name} is not written as Auditsite writes it")
            if name in members:
                raise Fault(f"the zip holds {name} twice")
            full, compressed, offset = _sizes([full, compressed, offset], extra, name)
            if offset != free:
                raise Fault("the zip has bytes before its first file, between its parts or after its end")
            content = self._check_header(
                offset, name, (version, flags, method, time, date, crc), raw_name, compressed, full
            )
            free = content + compressed
            if free > start:
                raise Fault(f"the zip's files and directory overlap at {name}")
            if not method and compressed != full:
                raise Fault(f"the zip tells two sizes of {name}")
            members[name] = Member(content, method, crc, compressed, full)
        if free != start or position != size:
            raise Fault("the zip has bytes before its first file, between its parts or after its end")
        return members

    def _find_directory(self) -> tuple[int, int, int, int]:
        """How many files the directory names, its size and start, and where it has to end."""
        end = self.file.seek(0, 2) - 22
        if end < 0:
            raise Fault("it is no zip")
        signature, disk, first_disk, here, count, size, start, comment = _unpack("<4sHHHHLLH", self._bytes(end, 22), 0)
        if signature != b"PK\5\6":
            raise Fault("it is no zip, or bytes follow after its end")
        if disk or first_disk or here != count or comment:
            raise Fault("the zip's end is not written as Auditsite writes it")
        locator = self._bytes(end - 20, 20) if end >= 76 else b""
        if not locator.startswith(b"PK\6\7"):
            return count, size, start, end
        record = self._bytes(end - 76, 56)
        _, locator_disk, where, disks = _unpack("<4sLQL", locator, 0)
        signature, length, _, _, disk, first_disk, here64, count64, size64, start64 = _unpack("<4sQHHLLQQQQ", record, 0)
        if (
            (signature, length, where, locator_disk, disks) != (b"PK\6\6", 44, end - 76, 0, 1)
            or disk
            or first_disk
            or here64 != count64
            or count not in (count64, 0xFFFF)
            or size not in (size64, 0xFFFFFFFF)
            or start not in (start64, 0xFFFFFFFF)
        ):
            raise Fault("the zip's end is not written as Auditsite writes it")
        return count64, size64, start64, end - 76

    def _check_header(
        self, offset: int, name: str, shared: tuple[int, ...], raw_name: bytes, compressed: int, size: int
    ) -> int:
        """Compare a file's own header with what the directory says; return where its content begins."""
        signature, *header, header_compressed, header_size, name_length, extra_length = _unpack(
            "<4sHHHHHLLLHH", self._bytes(offset, 30), 0
        )
        rest = self._bytes(offset + 30, name_length + extra_length)
        sizes = _sizes([header_size, header_compressed], rest[name_length:], name)
        # The version may be higher in the one than in the other: a header is written before the size is known.
        if (
            signature != b"PK\3\4"
            or header[0] > NEWEST
            or tuple(header[1:]) != shared[1:]
            or rest[:name_length] != raw_name
            or sizes != [size, compressed]
        ):
            raise Fault(f"the zip's own header of {name} differs from its directory")
        return offset + 30 + len(rest)

    def _bytes(self, start: int, size: int) -> bytes:
        self.file.seek(start)
        return self.file.read(size)


def _unpack(layout: str, data: bytes, start: int) -> tuple[Any, ...]:
    try:
        return struct.unpack_from(layout, data, start)
    except struct.error:
        raise Fault("the zip is cut off or damaged") from None


def _name(raw: bytes, flags: int) -> str:
    try:
        name = raw.decode("utf-8" if flags & 0x800 else "ascii")
    except UnicodeDecodeError:
        raise Fault("the zip holds a file whose name cannot be read") from None
    if not name or not name.isprintable() or "\\" in name or {"", ".", ".."} & set(name.split("/")):
        raise Fault(f"the zip holds a file whose name no genuine pack has: {name}")
    return name


def _sizes(values: list[int], extra: bytes, name: str) -> list[int]:
    """Sizes and places, of which those beyond 32 bits stand in an extra field; no other extra field is taken."""
    large = [place for place, value in enumerate(values) if value == 0xFFFFFFFF]
    if len(values) == 2 and extra == struct.pack("<HHQQ", 1, 16, *values):
        return values  # Python before 3.11.4 tells the sizes twice in a file's own header
    if extra or large:
        if extra[:4] != struct.pack("<HH", 1, 8 * len(large)) or len(extra) != 4 + 8 * len(large):
            raise Fault(f"the zip's entry for {name} is not written as Auditsite writes it")
        for place, value in zip(large, struct.unpack(f"<{len(large)}Q", extra[4:])):  # noqa: B905 - Python 3.9
            values[place] = value
    return values


# --- the pack -------------------------------------------------------------------------------------------------------


def link(previous: bytes, record_hash: bytes) -> bytes:
    return hashlib.sha256(previous + record_hash).digest()


def verify(pack: str, public_key: str | None = None, say: Callable[[str], None] = say_line) -> dict[str, Any]:
    """Check a pack and return its manifest. Raises Fault."""
    trusted = None if public_key is None else check_key(public_key)
    try:
        with open(pack, "rb") as file:
            return _verify(Pack(file), trusted, say)
    except OSError as error:
        raise Fault(f"the pack cannot be read: {error.strerror}") from None
    except (KeyError, TypeError, ValueError, AttributeError, StopIteration, RecursionError) as error:
        raise Fault(f"the pack is not put together as it should be: {error!r}") from None


def _verify(pack: Pack, trusted: str | None, say: Callable[[str], None]) -> dict[str, Any]:
    # Nothing is believed, and little is read, before the manifest's signature is checked.
    text, signature = pack.read("manifest.json"), pack.read("manifest.sig").decode()
    manifest: dict[str, Any] = json.loads(text)
    if manifest["format"] != FORMAT:
        raise Fault(f"this verifier does not know the format {manifest['format']!r}")
    key = trusted or check_key(manifest["public_key"])
    check_signature(text, signature, key, "the manifest")
    check_files(pack, manifest)
    count = verify_events(pack, manifest, key, say)
    if count != manifest["count"]:
        raise Fault(f"the manifest counts {manifest['count']} events, the pack holds {count}")
    say(f"Made {manifest['made_at']} by {manifest['made_by']}.")
    say(f"Asked for: {manifest['query'] or 'everything'}")
    say(f"{count} events: each is in the chain of its account, and each chain leads to a signed seal.")
    if not trusted:
        say(f"Checked with the key that the pack names, {key}. Compare it with the one that you were given.")
    return manifest


def check_files(pack: Pack, manifest: dict[str, Any]) -> None:
    """The pack holds the files that the manifest names, with that content, and nothing else."""
    listed = dict(manifest["files"])
    sizes = manifest.get("sizes", {})
    extra = set(pack.members) - set(listed) - {"manifest.json", "manifest.sig"}
    if extra:
        raise Fault(f"the pack holds files that its manifest does not name: {', '.join(sorted(extra))}")
    for name in sorted(listed):
        if name not in pack.members:
            raise Fault(f"{name} is missing from the pack")
        if sizes.get(name, pack.members[name].size) != pack.members[name].size:
            raise Fault(f"{name} was changed")
    for name, digest in sorted(listed.items()):
        content = hashlib.sha256()
        for data in pack.chunks(name):
            content.update(data)
        if content.hexdigest() != digest:
            raise Fault(f"{name} was changed")


def verify_events(pack: Pack, manifest: dict[str, Any], key: str, say: Callable[[str], None]) -> int:
    events = read_events(pack, manifest)
    count = len(events)
    for account, chain in sorted(manifest["chains"].items()):
        seal = json.loads(pack.read(chain["seal"]))
        check_signature(seal["statement"].encode(), seal["signature"], key, f"the seal of {account}")
        statement = json.loads(seal["statement"])
        if statement["format"] not in SEAL_FORMATS:
            raise Fault(f"this verifier does not know the format {statement['format']!r} of the seal of {account}")
        if statement["account"] != account:
            raise Fault(f"the seal of {account} belongs to {statement['account']}")
        lines = (read_hash(line) for line in pack.lines(chain["links"], 64))
        digest = next(lines)
        seq = chain["first"] - 1
        most = 32 * (2 + pack.members[chain["links"]].compressed // LEAST_PER_EVENT)
        digests = bytearray(digest if "reviews" in chain else b"")
        for record_hash in lines:
            seq += 1
            event = events.pop((account, seq), None)
            if event is not None and event[0] != record_hash:
                raise Fault(f"event {event[1]} (number {seq} of {account}) was altered")
            digest = link(digest, record_hash)
            if digests:
                digests += digest
                if len(digests) > most:
                    raise Fault(f"{chain['links']} is too small for what it holds")
        if seq != statement["count"] or digest.hex() != statement["digest"]:
            raise Fault(f"the chain of {account} does not lead to its seal")
        say(f"Account {account}: sealed {statement['sealed_at']} at {statement['count']} events.")
        if digests:
            for line in pack.lines(chain["reviews"], MOST_IN_LINE):
                verify_review(json.loads(line), statement, chain["first"], digests, key, say)
    if events:
        place = min(events)
        raise Fault(f"event {events[place][1]} (number {place[1]} of {place[0]}) is in no chain")
    return count


def verify_review(
    review: dict[str, Any], seal: dict[str, Any], first: int, digests: bytearray, key: str, say: Callable[[str], None]
) -> None:
    """Compare a review with its account's chain. `digests`: from the one before number `first` up to the seal's."""
    statement = read_review(review, key)
    name, count, head = review_name(statement), statement["events"]["count"], statement["head"]["count"]
    if (statement["account"], statement["chain"]) != (seal["account"], seal["chain"]):
        raise Fault(f"{name} belongs to another chain")
    if head > seal["count"]:
        raise Fault(f"{name} is of a later time than the seal")

    def digest_of(number: int) -> str:
        return digests[32 * (number - first + 1) : 32 * (number - first + 2)].hex()

    if head >= first - 1 and digest_of(head) != statement["head"]["digest"]:
        raise Fault(f"{name} does not fit the chain")
    found, content, last = 0, hashlib.sha256(), 0
    for part in filter(None, review["numbers"].split(",")):
        match = RANGE.fullmatch(part)
        start, end = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
        if not last < start <= end <= head:
            raise Fault(f"the numbers of the events of {name} are not what they should be")
        if start < first:
            say(f"  {name}: {count} events. Some lie before the first link here, so which they are is not checked.")
            return
        for number in range(start, end + 1):
            content.update(f"{number} {digest_of(number)}\n".encode())
        found, last = found + end - start + 1, end
    if (found, content.hexdigest()) != (count, statement["events"]["digest"]):
        raise Fault(f"the events of {name} are others than those that were signed")
    say(f"  {name}: {count} events, each in this chain.")


def read_review(review: dict[str, Any], key: str) -> dict[str, Any]:
    check_signature(review["statement"].encode(), review["signature"], key, "a review")
    statement: dict[str, Any] = json.loads(review["statement"])
    if statement["format"] != REVIEW_FORMAT:
        raise Fault(f"this verifier does not know the format {statement['format']!r} of a review")
    return statement


def review_name(statement: dict[str, Any]) -> str:
    person, (start, end) = statement["person"], statement["period"]
    who = f"{person['name']} ({person['username']})" if person["name"] else person["username"]
    return (
        f"the review of {statement['account']} from {start or 'the beginning'} to {end}, signed off by {who} "
        f"at {statement['signed_at']}"
    )


def read_hash(line: bytes) -> bytes:
    text = line.decode()
    if not HEX_64.fullmatch(text):
        raise ValueError(text)
    return bytes.fromhex(text)


def read_events(pack: Pack, manifest: dict[str, Any]) -> dict[tuple[str, int], tuple[bytes, str]]:
    """The hash of each event's record and its id, by account and number in the account's chain."""
    most = pack.members["events.ndjson"].compressed // LEAST_PER_EVENT
    if manifest["count"] > most:
        raise Fault("events.ndjson is too small for the events that the manifest counts")
    events: dict[tuple[str, int], tuple[bytes, str]] = {}
    for line in pack.lines("events.ndjson", MOST_IN_LINE):
        event = json.loads(line)
        record = event["record"]
        if len(record) != len(manifest["fields"]) or any("\0" in value for value in record):
            raise Fault(f"event {record[1]} has a malformed record")
        place = (event["account"], int(record[0]))
        if place in events:
            raise Fault(f"number {place[1]} of {place[0]} occurs twice")
        events[place] = (hashlib.sha256("\0".join(record).encode()).digest(), record[1])
        if len(events) > manifest["count"]:
            raise Fault(f"the pack holds more events than the {manifest['count']} that its manifest counts")
    return events


# --- a file of seals or reviews -------------------------------------------------------------------------------------


def verify_seals(path: str, public_key: str | None, say: Callable[[str], None] = say_line) -> int:
    """Check a file of seals or of reviews and return how many there are. Raises Fault."""
    if public_key is None:
        raise Fault("a file of statements holds no key: pass --public-key")
    key = check_key(public_key)
    count = number = 0
    with open(path, "rb") as file:
        while line := file.readline(MOST_IN_FILE + 1):
            number += 1
            if len(line) > MOST_IN_FILE:
                raise Fault(f"line {number} is longer than a seal or review can be")
            if not line.strip():
                continue
            try:
                seal = json.loads(line)
                check_signature(seal["statement"].encode(), seal["signature"], key, f"the statement in line {number}")
                statement = json.loads(seal["statement"])
                if statement["format"] == REVIEW_FORMAT:
                    say(f"{review_name(statement)}: {statement['events']['count']} events. Note: {statement['note']}")
                    count += 1
                    continue
                if statement["format"] not in SEAL_FORMATS:
                    raise ValueError(statement["format"])
                say(f"Account {statement['account']}: {statement['count']} events, sealed {statement['sealed_at']}.")
            except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
                raise Fault(f"line {number} is neither a seal nor a review: {error!r}") from None
            count += 1
    if not count:
        raise Fault("the file holds no seals or reviews, so there is nothing to verify")
    return count


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description="Check an evidence pack, or a file of seals or of a review, from Auditsite."
    )
    parser.add_argument("pack", help="an evidence pack (.zip), or a file of seals or of a review (.ndjson)")
    parser.add_argument("--public-key", metavar="HEX", help="64 hex digits, from somebody you trust")
    options = parser.parse_args(arguments)
    try:
        if options.pack.endswith(".ndjson"):
            verify_seals(options.pack, options.public_key)
        else:
            verify(options.pack, options.public_key)
    except Fault as fault:
        say_line(f"NOT GENUINE: {fault}.")
        return 1
    except OSError as error:
        say_line(f"NOT GENUINE: {options.pack} cannot be read: {error.strerror}.")
        return 1
    except ImportError:
        say_line("The package cryptography is needed: python3 -m pip install cryptography")
        return 2
    if options.public_key is None:
        say_line("CONSISTENT, key not checked.")
        return 3
    say_line("GENUINE.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
