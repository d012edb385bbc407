#!/usr/bin/env python3
"""Check an evidence pack or a file of seals of Auditsite, without Auditsite.

    python3 verify_evidence.py PACK.zip [--public-key HEX]
    python3 verify_evidence.py SEALS.ndjson --public-key HEX

Needs Python 3.9 or newer and the package `cryptography`. Without --public-key the key named inside the pack is used:
that proves that nothing was changed since the pack was made, but not by whom it was made. Get the public key from
somebody you trust, and pass it. Exit code 0: the pack is genuine and whole. 1: it is not, and the first fault is named.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import zipfile
import zlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

FORMAT = "auditsite evidence 1"


class Fault(Exception):
    pass


def check_signature(text: bytes, signature: str, public_key: str, what: str) -> None:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(public_key)).verify(bytes.fromhex(signature), text)
    except (InvalidSignature, ValueError):
        raise Fault(f"{what} was not signed with the key {public_key[:16]}...") from None


def link(previous: bytes, record_hash: bytes) -> bytes:
    return hashlib.sha256(previous + record_hash).digest()


def verify(pack: str, public_key: str | None = None, say: Callable[[str], None] = print) -> dict[str, Any]:
    try:
        with zipfile.ZipFile(pack) as archive:
            bad = archive.testzip()
            if bad:
                raise Fault(f"the file {bad} in the pack is damaged")
            return verify_files({name: archive.read(name) for name in archive.namelist()}, public_key, say)
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, NotImplementedError, RuntimeError) as error:
        raise Fault(f"the pack cannot be read: {error}") from None


def verify_files(files: dict[str, bytes], public_key: str | None, say: Callable[[str], None]) -> dict[str, Any]:
    for name in ("manifest.json", "manifest.sig"):
        if name not in files:
            raise Fault(f"{name} is missing from the pack")
    try:
        manifest: dict[str, Any] = json.loads(files["manifest.json"])
        if manifest["format"] != FORMAT:
            raise Fault("this verifier does not know the format {!r}".format(manifest["format"]))
        key = public_key or manifest["public_key"]
        check_signature(files["manifest.json"], files["manifest.sig"].decode(), key, "the manifest")
        listed = dict(manifest["files"])
        extra = set(files) - set(listed) - {"manifest.json", "manifest.sig"}
        if extra:
            raise Fault("the pack holds files that its manifest does not name: {}".format(", ".join(sorted(extra))))
        for name, digest in sorted(listed.items()):
            if name not in files:
                raise Fault(f"{name} is missing from the pack")
            if hashlib.sha256(files[name]).hexdigest() != digest:
                raise Fault(f"{name} was changed")
        count = verify_events(files, manifest, key, say)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Fault(f"the pack is not put together as it should be: {error!r}") from None
    if count != manifest["count"]:
        raise Fault(f"the manifest counts {manifest['count']} events, the pack holds {count}")
    say(f"Made {manifest['made_at']} by {manifest['made_by']}.")
    say(f"Asked for: {manifest['query'] or 'everything'}")
    say(f"{count} events: each is in the chain of its account, and each chain leads to a signed seal.")
    if not public_key:
        say(f"Checked with the key inside the pack, {key}. Compare it with the one you were given.")
    return manifest


def verify_events(files: dict[str, bytes], manifest: dict[str, Any], key: str, say: Callable[[str], None]) -> int:
    events: dict[tuple[str, int], tuple[bytes, str]] = {}
    count = 0
    for line in files["events.ndjson"].splitlines():
        event = json.loads(line)
        record = event["record"]
        if len(record) != len(manifest["fields"]) or any("\0" in value for value in record):
            raise Fault(f"event {record[1]} has a malformed record")
        record_hash = hashlib.sha256("\0".join(record).encode()).digest()
        place = (event["account"], int(record[0]))
        if place in events:
            raise Fault(f"number {place[1]} of {place[0]} occurs twice")
        events[place] = (record_hash, record[1])
        count += 1
    for account, chain in sorted(manifest["chains"].items()):
        seal = json.loads(files[chain["seal"]])
        check_signature(seal["statement"].encode(), seal["signature"], key, f"the seal of {account}")
        statement = json.loads(seal["statement"])
        if statement["account"] != account:
            raise Fault("the seal of {} belongs to {}".format(account, statement["account"]))
        lines = files[chain["links"]].decode().split()
        digest = bytes.fromhex(lines[0])
        seq = chain["first"] - 1
        for text in lines[1:]:
            seq += 1
            record_hash = bytes.fromhex(text)
            mine = events.pop((account, seq), None)
            if mine is not None and mine[0] != record_hash:
                raise Fault(f"event {mine[1]} (number {seq} of {account}) was altered")
            digest = link(digest, record_hash)
        if seq != statement["count"] or digest.hex() != statement["digest"]:
            raise Fault(f"the chain of {account} does not lead to its seal")
        say(f"{account}: sealed {statement['sealed_at']} at {statement['count']} events.")
    if events:
        place = sorted(events)[0]
        raise Fault(f"event {events[place][1]} (number {place[1]} of {place[0]}) is in no chain")
    return count


def verify_seals(path: str, public_key: str | None, say: Callable[[str], None] = print) -> int:
    if not public_key:
        raise Fault("a file of seals holds no key: pass --public-key")
    count = 0
    with open(path, encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                seal = json.loads(line)
                check_signature(seal["statement"].encode(), seal["signature"], public_key, f"the seal in line {number}")
                statement = json.loads(seal["statement"])
                say(f"{statement['account']}: {statement['count']} events, sealed {statement['sealed_at']}.")
            except (KeyError, TypeError, ValueError, AttributeError) as error:
                raise Fault(f"line {number} is no seal: {error!r}") from None
            count += 1
    return count


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Check an evidence pack or a file of seals of Auditsite.")
    parser.add_argument("pack")
    parser.add_argument("--public-key", help="64 hex digits, from somebody you trust")
    options = parser.parse_args(arguments)
    try:
        if options.pack.endswith(".ndjson"):
            verify_seals(options.pack, options.public_key)
        else:
            verify(options.pack, options.public_key)
    except (Fault, OSError) as fault:
        print(f"NOT GENUINE: {fault}.")
        return 1
    except ImportError:
        print("The package cryptography is needed: python3 -m pip install cryptography")
        return 2
    print("GENUINE.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
