"""The verifier, attacked: zips that other programs unpack to something else, bombs, forged keys and hostile names."""

from __future__ import annotations

import io
import json
import os
import struct
import subprocess
import sys
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from events.archive import seals
from events.evidence import verify_evidence
from events.evidence.pack import make_pack
from events.evidence.verify_evidence import Fault
from events.reading.conditions import Conditions
from tests.tools.evidence import check, files_of, signed, zip_of

pytestmark = pytest.mark.django_db

LOCAL, DIRECTORY = b"PK\3\4", b"PK\1\2"


@pytest.fixture
def pack(pack_alone: bytes, tmp_path: Path) -> Path:
    file = tmp_path / "evidence.zip"
    file.write_bytes(pack_alone)
    return file


@pytest.fixture
def files(pack: Path) -> dict[str, bytes]:
    return files_of(pack)


@pytest.fixture
def whole(pack: Path) -> bytes:
    return pack.read_bytes()


def run(capsys: Any, *arguments: str) -> tuple[int, str]:
    code = verify_evidence.main(list(arguments))
    return code, capsys.readouterr().out


def verdict(output: str) -> str:
    return output.splitlines()[-1]


def entry_of(whole: bytes, name: str) -> int:
    """Where the directory's entry of a file begins."""
    return whole.index(name.encode(), whole.index(DIRECTORY)) - 46


def header_of(whole: bytes, name: str) -> int:
    """Where a file's own header begins."""
    return whole.index(name.encode()) - 30


def changed(data: bytes, position: int, value: bytes) -> bytes:
    return data[:position] + value + data[position + len(value) :]


# --- one zip, one meaning -------------------------------------------------------------------------------------------


def test_pack_as_made_and_as_zipped_anew_is_genuine(whole: bytes, files: dict[str, bytes]) -> None:
    assert check(whole, seals.public_key())["count"] == 3
    assert check(zip_of(files), seals.public_key())["count"] == 3


@pytest.mark.parametrize("known", [seals.FORMAT, seals.OLD_FORMAT])
def test_seals_of_every_format_that_auditsite_signs_are_known(
    files: dict[str, bytes], tmp_path: Path, capsys: Any, known: str
) -> None:
    name = next(name for name in files if "seal" in name)
    statement = json.dumps(json.loads(json.loads(files[name])["statement"]) | {"format": known})
    seal = json.dumps({"statement": statement, "signature": seals.sign(statement)})
    (tmp_path / "seals.ndjson").write_text(seal)

    assert check(signed(files | {name: seal.encode()}), seals.public_key())
    assert run(capsys, str(tmp_path / "seals.ndjson"), "--public-key", seals.public_key())[0] == 0


def test_seal_of_another_format_is_refused(files: dict[str, bytes]) -> None:
    name = next(name for name in files if "seal" in name)
    statement = json.dumps(json.loads(json.loads(files[name])["statement"]) | {"format": "auditsite seal 9"})
    seal = json.dumps({"statement": statement, "signature": seals.sign(statement)})

    with pytest.raises(Fault, match="does not know the format 'auditsite seal 9'"):
        check(signed(files | {name: seal.encode()}))


@pytest.mark.parametrize("forged_first", [True, False])
def test_file_that_occurs_twice_is_refused(files: dict[str, bytes], forged_first: bool) -> None:
    buffer = io.BytesIO()
    forged = files | {"events.csv": b"forged"}
    with zipfile.ZipFile(buffer, "w") as archive, pytest.warns(UserWarning, match="Duplicate"):
        if forged_first:
            archive.writestr("events.csv", forged["events.csv"])
        for name, content in files.items():
            archive.writestr(name, content)
        if not forged_first:
            archive.writestr("events.csv", forged["events.csv"])

    with pytest.raises(Fault, match=r"holds events\.csv twice"):
        check(buffer.getvalue(), seals.public_key())


def test_bytes_around_and_between_the_files_are_refused(whole: bytes, files: dict[str, bytes]) -> None:
    forged = zip_of(files | {"events.csv": b"forged"})
    key = seals.public_key()
    with pytest.raises(Fault, match="bytes before its first file"):
        check(forged + whole, key)
    for after in (b"\0", b"PK\5\6", forged):
        with pytest.raises(Fault):
            check(whole + after, key)
    # A prefix that all offsets know of.
    shifted = io.BytesIO(b"#!/bin/sh\n")
    shifted.seek(0, 2)
    with zipfile.ZipFile(shifted, "a") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    with pytest.raises(Fault, match="bytes before its first file"):
        check(shifted.getvalue(), key)


def test_file_that_the_directory_does_not_name_is_refused(files: dict[str, bytes]) -> None:
    hidden = zip_of({"events.csv": b"forged"} | {})
    hidden = hidden[: hidden.index(DIRECTORY)]
    rest = zip_of(files)
    start = rest.index(DIRECTORY)
    directory, end = rest[start:-22], rest[-22:]
    # Between the last file and the directory, with the end's own offset set right.
    moved = changed(end, 16, struct.pack("<L", start + len(hidden)))

    with pytest.raises(Fault, match="between its parts"):
        check(rest[:start] + hidden + directory + moved, seals.public_key())


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (6, b"\x01\0"),  # flags: encrypted
        (6, b"\x08\0"),  # flags: sizes follow after the content
        (8, b"\x0c\0"),  # method
        (10, b"\x01\0"),  # time
        (14, b"\1\2\3\4"),  # checksum
        (30, b"events.tsv"),  # name
    ],
)
def test_header_that_differs_from_the_directory_is_refused(whole: bytes, place: int, value: bytes) -> None:
    forged = changed(whole, header_of(whole, "events.csv") + place, value)

    with pytest.raises(Fault, match=r"own header of events\.csv differs"):
        check(forged, seals.public_key())


def test_headers_as_older_pythons_write_them_are_taken(whole: bytes) -> None:
    """Before 3.11.4, as on Debian 12, the sizes stand in the extra field too where they need not."""
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        members = archive.infolist()
    older = whole
    for member in members:
        sizes = struct.pack("<LL", member.compress_size, member.file_size)
        older = changed(older, member.header_offset + 18, sizes)
        extra = member.header_offset + 30 + len(member.filename)
        assert older[extra : extra + 20] == struct.pack("<HHQQ", 1, 16, member.file_size, member.compress_size)

    assert check(older, seals.public_key())["count"] == 3
    with pytest.raises(Fault, match=r"entry for .* is not written as Auditsite writes it"):
        check(changed(older, extra + 4, b"\1"), seals.public_key())


def test_sizes_in_a_header_that_differ_are_refused(files: dict[str, bytes]) -> None:
    whole = zip_of(files)
    place = header_of(whole, "events.csv") + 18
    (compressed,) = struct.unpack_from("<L", whole, place)

    for value in (struct.pack("<L", compressed + 1), struct.pack("<LL", compressed, 7)):
        with pytest.raises(Fault, match=r"own header of events\.csv differs"):
            check(changed(whole, place, value), seals.public_key())


@pytest.mark.parametrize(("place", "value"), [(8, b"\x09\0"), (10, b"\x0e\0"), (32, b"\x01\0"), (34, b"\x01\0")])
def test_entry_with_what_auditsite_does_not_write_is_refused(whole: bytes, place: int, value: bytes) -> None:
    with pytest.raises(Fault):
        check(changed(whole, entry_of(whole, "events.csv") + place, value), seals.public_key())


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (4, b"\xff"),  # version of the program that made it
        (5, b"\0"),  # made under DOS, where the next ones mean something else
        (36, b"\1\0"),  # internal: a text, whose line ends may be changed
        (38, struct.pack("<L", 0o120777 << 16)),  # a symbolic link
        (38, struct.pack("<L", 0o104777 << 16)),  # runs as its owner
        (38, struct.pack("<L", 0o600 << 16 | 0x10)),  # a folder, for DOS
    ],
)
def test_entry_that_would_be_unpacked_as_anything_but_a_plain_file_is_refused(
    whole: bytes, place: int, value: bytes
) -> None:
    with pytest.raises(Fault, match=r"entry for events\.csv is not written as Auditsite writes it"):
        check(changed(whole, entry_of(whole, "events.csv") + place, value), seals.public_key())


def test_pack_made_on_windows_is_the_same(account: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "win32")
    with (tmp_path / "pack.zip").open("w+b") as file:
        make_pack(file, Conditions(), [account], query="", made_by="audrey")
    assert check((tmp_path / "pack.zip").read_bytes(), seals.public_key())["count"] == 0


def test_bytes_after_the_end_of_a_compressed_file_are_refused(files: dict[str, bytes]) -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    stream = packer.compress(files["README.txt"]) + packer.flush()
    for content in (stream + b"forged", stream[:-1]):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.writestr("README.txt", content)
            for name in files.keys() - {"README.txt"}:
                archive.writestr(name, files[name])
        forged = bytearray(buffer.getvalue())
        # Stored as it is; now both headers say that it is compressed.
        for start, method, sizes in (
            (header_of(forged, "README.txt"), 8, 14),
            (entry_of(forged, "README.txt"), 10, 16),
        ):
            struct.pack_into("<H", forged, start + method, 8)
            struct.pack_into("<L", forged, start + sizes, zlib.crc32(files["README.txt"]))
            struct.pack_into("<L", forged, start + sizes + 8, len(files["README.txt"]))

        with pytest.raises(Fault, match=r"README\.txt in the pack is damaged"):
            check(bytes(forged), seals.public_key())


def test_zip_beyond_the_limits_of_old_zips_is_read(files: dict[str, bytes], monkeypatch: Any) -> None:
    for limit in ("ZIP64_LIMIT", "ZIP_FILECOUNT_LIMIT"):
        with monkeypatch.context() as patch:
            patch.setattr(zipfile, limit, 5)
            whole = zip_of(files)
        assert b"PK\6\7" in whole
        assert check(whole, seals.public_key())["count"] == 3
        record = whole.index(b"PK\6\6")
        with pytest.raises(Fault):
            check(changed(whole, record + 48, b"\1"), seals.public_key())


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "links\\x.txt", "a//b", "links/./x", "x\x1b[8m"])
def test_names_that_lead_elsewhere_are_refused(files: dict[str, bytes], name: str) -> None:
    with pytest.raises(Fault, match="whose name no genuine pack has"):
        check(signed(files | {name: b"x"}), seals.public_key())


# --- bombs ----------------------------------------------------------------------------------------------------------


def bomb(name: str, size: int) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive, archive.open(name, "w") as file:
        for _ in range(size >> 20):
            file.write(bytes(1 << 20))
    return buffer.getvalue()


def test_bomb_takes_no_memory(files: dict[str, bytes], tmp_path: Path) -> None:
    large = tmp_path / "large.zip"
    for name in ("manifest.json", "events.ndjson", "seals/demo0001.json", "manifest.sig", "README.txt"):
        with zipfile.ZipFile(large, "w", zipfile.ZIP_DEFLATED) as archive:
            for other in files.keys() - {name}:
                archive.writestr(other, files[other])
            with archive.open(name, "w") as file:
                for _ in range(200):
                    file.write(bytes(1 << 20))
        tracemalloc.start()
        try:
            with pytest.raises(Fault):
                verify_evidence.verify(str(large), seals.public_key(), lambda line: None)
            assert tracemalloc.get_traced_memory()[1] < 40 << 20
        finally:
            tracemalloc.stop()


def test_bomb_under_its_own_key_takes_no_more_memory_than_its_size_allows(files: dict[str, bytes]) -> None:
    """A forger signs what he likes: what a pack may take is bounded by how large it is."""
    record = json.loads(files["events.ndjson"].splitlines()[0])["record"]
    lines = b"".join(
        json.dumps({"account": "demo0001", "record": [str(number), *record[1:]]}).encode() + b"\n"
        for number in range(20_000)
    )
    with pytest.raises(Fault, match="too small for the events"):
        check(signed(files | {"events.ndjson": lines}, count=20_000))
    with pytest.raises(Fault, match="more events than the 3"):
        check(signed(files | {"events.ndjson": lines}))


def test_line_that_never_ends_is_refused(files: dict[str, bytes], monkeypatch: Any) -> None:
    monkeypatch.setattr(verify_evidence, "MOST_IN_LINE", 10_000)
    with pytest.raises(Fault, match=r"a line of events\.ndjson is longer"):
        check(signed(files | {"events.ndjson": b" " * 3_000_000}))
    with pytest.raises(Fault, match=r"a line of links/demo0001\.txt is longer"):
        check(signed(files | {"links/demo0001.txt": b"0" * 3_000_000}))


def test_deep_json_is_a_fault_and_no_traceback(files: dict[str, bytes]) -> None:
    for name in ("events.ndjson", "seals/demo0001.json"):
        with pytest.raises(Fault, match="not put together"):
            check(signed(files | {name: b"[" * 100_000}))


# --- keys -----------------------------------------------------------------------------------------------------------


def test_without_a_key_a_pack_is_only_consistent(
    pack: Path, files: dict[str, bytes], tmp_path: Path, capsys: Any
) -> None:
    assert run(capsys, str(pack), "--public-key", seals.public_key())[0] == 0

    code, output = run(capsys, str(pack))

    assert (code, verdict(output)) == (3, "CONSISTENT, key not checked.")
    assert "GENUINE" not in output


@pytest.mark.parametrize("key", ["", " ", "00", "zz" * 32, "00" * 33])
def test_key_that_is_none_is_refused(pack: Path, capsys: Any, key: str) -> None:
    code, output = run(capsys, str(pack), "--public-key", key)

    assert code == 1
    assert verdict(output) == "NOT GENUINE: a public key is 64 hex digits; this is none."


def test_signature_is_taken_in_one_spelling_only(files: dict[str, bytes]) -> None:
    signature = files["manifest.sig"]
    for spelling in (signature.upper(), signature + b"\n", signature[:2] + b" " + signature[2:]):
        with pytest.raises(Fault, match="not signed"):
            check(files | {"manifest.sig": spelling}, seals.public_key())


def test_manifest_is_no_seal(files: dict[str, bytes]) -> None:
    """The same key signs both: one must not pass for the other."""
    text = json.dumps({"account": "demo0001", "count": 12, "digest": "00" * 32, "sealed_at": "2026-01-01"})
    seal = {"statement": text, "signature": seals.sign(text)}
    with pytest.raises(Fault, match="not put together"):
        check(signed(files | {"seals/demo0001.json": json.dumps(seal).encode()}), seals.public_key())


# --- what is printed ------------------------------------------------------------------------------------------------

HOSTILE = "x\r\x1b[2K\x1b[8m\nGENUINE.\u202e\u200b\x9b\u2028é"


def test_nothing_in_a_pack_reaches_the_terminal_as_a_command(
    files: dict[str, bytes], tmp_path: Path, capsys: Any
) -> None:
    target = tmp_path / "pack.zip"
    plain = "x\\r\\x1b[2K\\x1b[8m\\nGENUINE.\\u202e\\u200b\\x9b\\u2028é"
    manifest = json.loads(files["manifest.json"])
    cases = [
        signed(files, made_by=HOSTILE),
        signed(files, query=HOSTILE),
        signed(files, made_at=HOSTILE),
        signed(files, format=HOSTILE),
        signed(files, chains={HOSTILE: manifest["chains"]["demo0001"]}),
        signed(files | {"events.ndjson": json.dumps({"account": "a", "record": ["1", HOSTILE]}).encode()}),
        files | {HOSTILE: b"x"},
    ]
    for case in cases:
        target.write_bytes(zip_of(case))
        output = run(capsys, str(target))[1]

        assert "GENUINE." not in output.splitlines()
        assert all(char.isprintable() for line in output.split("\n") for char in line)
        assert plain in output.replace("\\\\", "\\")


def test_names_are_printed_where_the_terminal_has_no_such_letters(
    pack: Path, files: dict[str, bytes], tmp_path: Path
) -> None:
    target = tmp_path / "pack.zip"
    target.write_bytes(zip_of(signed(files, made_by="Zoë")))
    command = [sys.executable, "-I", verify_evidence.__file__, str(target), "--public-key", seals.public_key()]
    environment = {"PATH": os.environ["PATH"], "PYTHONIOENCODING": "ascii"}
    # -I ignores the environment, so that the encoding has to come through -X.
    command[1:2] = ["-X", "utf8=0"]
    result = subprocess.run(command, env=environment | {"LC_ALL": "C"}, capture_output=True, text=True)

    assert result.returncode == 0, result.stderr
    assert "by Zo\\xeb." in result.stdout


# --- files of seals -------------------------------------------------------------------------------------------------


@pytest.fixture
def sealed(account: Any, add_event: Callable[..., Any], tmp_path: Path) -> Path:
    add_event(account, 1)
    file = tmp_path / "seals.ndjson"
    for _ in range(2):
        call_command("seal_archive", "--account", "demo0001", "-o", str(file), stdout=io.StringIO())
    return file


def test_seals_are_checked_offline_with_nothing_but_the_public_key(sealed: Path, tmp_path: Path, capsys: Any) -> None:
    assert run(capsys, str(sealed), "--public-key", seals.public_key())[0] == 0
    assert run(capsys, str(sealed)) == (1, "NOT GENUINE: a file of statements holds no key: pass --public-key.\n")
    assert run(capsys, str(sealed), "--public-key", "")[0] == 1
    assert run(capsys, str(sealed), "--public-key", "00" * 32)[0] == 1
    sealed.write_text(sealed.read_text().replace("demo0001", "demo0002"))
    assert run(capsys, str(sealed), "--public-key", seals.public_key())[0] == 1
    assert run(capsys, str(tmp_path / "nothing.ndjson"), "--public-key", seals.public_key())[0] == 1


@pytest.mark.parametrize("content", ["", "\n", " \n\n"])
def test_nothing_to_verify_is_not_genuine(tmp_path: Path, capsys: Any, content: str) -> None:
    empty = tmp_path / "empty.ndjson"
    empty.write_text(content)

    assert run(capsys, str(empty), "--public-key", seals.public_key()) == (
        1,
        "NOT GENUINE: the file holds no seals or reviews, so there is nothing to verify.\n",
    )


def test_hostile_files_of_seals_are_refused_in_one_plain_line(tmp_path: Path, capsys: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(verify_evidence, "MOST_IN_FILE", 300_000)
    text = json.dumps({"format": HOSTILE, "account": HOSTILE})
    for content in (
        json.dumps({"statement": text, "signature": seals.sign(text)}),
        json.dumps({HOSTILE: 1}),
        "[" * 100_000,
        " " * 400_000,
        "\x1b[8m",
    ):
        (tmp_path / "bad.ndjson").write_text(content)
        code, output = run(capsys, str(tmp_path / "bad.ndjson"), "--public-key", seals.public_key())

        assert code == 1
        assert output.startswith("NOT GENUINE: line 1 ")
        assert all(char.isprintable() for char in output[:-1])


@pytest.mark.parametrize("content", [b"", b"PK\5\6", b"no zip at all" * 10, bytes(1_000)])
def test_what_is_no_zip_is_said_to_be_none(tmp_path: Path, capsys: Any, content: bytes) -> None:
    (tmp_path / "x.zip").write_bytes(content)

    code, output = run(capsys, str(tmp_path / "x.zip"), "--public-key", seals.public_key())

    assert (code, output[:24]) == (1, "NOT GENUINE: it is no zi")
