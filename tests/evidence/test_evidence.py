"""The evidence pack: checked on a machine without Auditsite, and refused when a byte changes."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone

from accounts.models import NexmoAccount
from events.archive import seals
from events.evidence import verify_evidence
from events.evidence.pack import make_pack
from events.models import AuditEvent, Seal
from events.reading.conditions import Conditions
from tests.tools.evidence import check, files_of, signed

pytestmark = pytest.mark.django_db


def test_pack_holds_what_was_asked_for_and_by_whom(pack: Path) -> None:
    manifest = check(files_of(pack), seals.public_key())
    assert (manifest["count"], manifest["made_by"], manifest["query"]) == (3, "audrey", "event_type=APP_CREATE")
    events = [json.loads(line) for line in files_of(pack)["events.ndjson"].splitlines()]
    assert {event["account"] for event in events} == {"demo0001"}
    assert [int(event["record"][0]) for event in events] == [12, 8, 4]  # as on the page
    raw = events[0]["record"][manifest["fields"].index("raw")]
    assert raw == AuditEvent.objects.get(seq=12, account__api_key="demo0001").raw


def test_times_in_a_pack_are_utc_whoever_asked(account: Any, add_event: Callable[..., Any], tmp_path: Path) -> None:
    add_event(account, 1)
    written = []
    for zone in ("UTC", "Asia/Tokyo"):
        target = tmp_path / f"{zone[:3]}.zip"
        with timezone.override(zone), target.open("wb") as file:
            make_pack(file, Conditions(), [account], query="", made_by="audrey")
        written.append(files_of(target)["events.csv"])

    assert written[0] == written[1]
    assert b"2026-03-15T12:01:00+00:00" in written[0]


def test_pack_verifies_on_a_machine_without_auditsite(pack: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "verify_evidence.py").write_bytes(files_of(pack)["verify_evidence.py"])
    # -I: neither this directory, nor the environment, nor the user's packages.
    command = [sys.executable, "-I", "verify_evidence.py", str(pack), "--public-key", seals.public_key()]
    result = subprocess.run(command, cwd=elsewhere, env={"PATH": os.environ["PATH"]}, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stdout.endswith("GENUINE.\n")
    assert "django" not in files_of(pack)["verify_evidence.py"].decode().lower()


def test_any_changed_file_is_found(pack: Path) -> None:
    files = files_of(pack)
    for name, content in files.items():
        for position in {0, len(content) // 2, len(content) - 1}:
            changed = bytearray(content)
            changed[position] ^= 1
            with pytest.raises(verify_evidence.Fault):
                check({**files, name: bytes(changed)}, seals.public_key())


def test_any_changed_byte_of_the_zip_is_found_or_harmless(pack: Path, tmp_path: Path) -> None:
    whole = pack.read_bytes()
    original = files_of(pack)
    bad = tmp_path / "bad.zip"
    for position in range(0, len(whole), 37):
        changed = bytearray(whole)
        changed[position] ^= 0x55
        bad.write_bytes(changed)
        try:
            verify_evidence.verify(str(bad), seals.public_key(), lambda line: None)
        except verify_evidence.Fault:
            continue
        assert files_of(bad) == original  # a date or an attribute of the container: no content


def test_missing_and_added_files_are_found(pack: Path) -> None:
    files = files_of(pack)
    for name in files:
        with pytest.raises(verify_evidence.Fault):
            check({other: content for other, content in files.items() if other != name}, seals.public_key())
    with pytest.raises(verify_evidence.Fault, match="does not name"):
        check({**files, "more.txt": b"x"}, seals.public_key())


def test_pack_signed_anew_by_a_forger_fails_with_the_true_key(pack: Path, settings: Any) -> None:
    files, true_key = files_of(pack), seals.public_key()
    settings.SEAL_KEY = seals.new_key()
    forged = signed(files, made_by="somebody else", public_key=seals.public_key())
    with pytest.raises(verify_evidence.Fault, match="not signed"):
        check(forged, true_key)


def test_event_in_no_chain_is_found_even_under_a_good_signature(pack: Path) -> None:
    files = files_of(pack)
    lines = files["events.ndjson"].splitlines()
    event = json.loads(lines[0])
    event["record"][2] = "APP_DELETE"
    lines[0] = json.dumps(event).encode()
    files["events.ndjson"] = b"\n".join(lines)
    with pytest.raises(verify_evidence.Fault, match="was altered"):
        check(signed(files), seals.public_key())


def test_each_account_among_the_events_is_sealed_for_the_pack(pack: Path) -> None:
    assert set(Seal.objects.values_list("account__api_key", flat=True)) == {"demo0001"}


def test_pack_after_retention_still_verifies(account: Any, add_event: Any, tmp_path: Path) -> None:
    from datetime import timedelta

    from django.utils import timezone

    from events.archive import retention

    for number, days in enumerate((100, 5, 90, 4, 80, 3), start=1):
        moment = timezone.now() - timedelta(days=days)
        add_event(account, number, created_at=moment.strftime("%Y-%m-%dT%H:%M:%S"))
    NexmoAccount.objects.filter(pk=account.pk).update(keep_days=30)
    found = retention.plan(NexmoAccount.objects.get(pk=account.pk), timezone.now())
    assert found is not None
    assert retention.apply(found) is not None
    file = tmp_path / "evidence.zip"
    call_command("export_evidence", "-o", str(file), stdout=io.StringIO())
    assert check(files_of(file), seals.public_key())["count"] == 3


def test_pack_without_events_verifies_too(account: Any, tmp_path: Path) -> None:
    file = tmp_path / "evidence.zip"
    call_command("export_evidence", "-o", str(file), stdout=io.StringIO())
    assert check(files_of(file), seals.public_key())["count"] == 0


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_command_shows_its_progress_on_a_terminal_only(account: Any, add_event: Any, tmp_path: Path) -> None:
    for number in range(3):
        add_event(account, number)
    outputs = []
    for stderr in (Terminal(), io.StringIO()):
        file = str(tmp_path / "evidence.zip")
        call_command("export_evidence", "-o", file, stdout=io.StringIO(), stderr=stderr)
        outputs.append(stderr.getvalue())

    assert "Writing chains" in outputs[0]
    assert outputs[1] == ""
