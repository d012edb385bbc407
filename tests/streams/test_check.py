"""The script that receivers are given: it sees what is missing in what a stream has sent."""

from __future__ import annotations

import json
import runpy
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as site

from accounts.models import NexmoAccount
from events.models import AuditEvent, SavedView, Stream
from events.streams import progress, read
from tests.streams.conftest import serve
from tests.tools.export import add_many
from tests.tools.receivers import in_order

SCRIPT = Path(site.BASE_DIR) / "docs" / "scripts" / "check_stream.py"
FORMATS = ("raw", "flat", "ecs", "ocsf")
pytestmark = pytest.mark.django_db


@pytest.fixture
def sent(account: NexmoAccount, make_stream: Callable[..., Stream], monkeypatch: pytest.MonkeyPatch) -> Any:
    """Streams 12 events to files; gives the files' folder."""
    monkeypatch.setattr(read, "MOST_AT_ONCE", 5)
    add_many(account, range(12))

    def stream(**values: Any) -> tuple[Stream, Path]:
        stream = make_stream("files", "audit", accounts=[account], **values)
        assert serve(stream) > 0
        return stream, Path(site.STREAM_FILES) / "audit"

    return stream


def check(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    monkeypatch.setattr(sys, "argv", [str(SCRIPT), *map(str, in_order(folder))])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(SCRIPT), run_name="__main__")
    said = capsys.readouterr()
    return int(ended.value.code or 0), said.out + said.err


def change(folder: Path, change: Callable[[list[str]], list[str]]) -> None:
    (file,) = in_order(folder)
    file.write_text("".join(change(file.read_text().splitlines(keepends=True))))


@pytest.mark.parametrize("form", FORMATS)
def test_all_that_was_sent_is_whole_and_a_hole_is_seen(form: str, sent: Any, monkeypatch: Any, capsys: Any) -> None:
    _, folder = sent(format=form)
    last = AuditEvent.objects.get(seq=12)
    code, said = check(folder, monkeypatch, capsys)
    assert (code, "12 events, the last one number 12" in said, last.digest in said) == (0, True, True)

    change(folder, lambda lines: lines[:4] + lines[5:])
    code, said = check(folder, monkeypatch, capsys)
    assert (code, f"{last.account.api_key}: number 5 is missing before 6" in said) == (1, True)


@pytest.mark.parametrize("form", FORMATS)
def test_copies_are_fine_and_exchanged_ones_are_not(form: str, sent: Any, monkeypatch: Any, capsys: Any) -> None:
    _, folder = sent(format=form)
    change(folder, lambda lines: [*lines[:6], *lines[2:]])
    assert check(folder, monkeypatch, capsys)[0] == 0

    digest = AuditEvent.objects.get(seq=3).digest
    change(folder, lambda lines: [*lines[:-1], lines[-1], lines[2].replace(digest, "0" * 64)])
    code, said = check(folder, monkeypatch, capsys)
    assert (code, "two different events have number 3" in said) == (1, True)


def test_another_order_and_what_cannot_be_read(sent: Any, monkeypatch: Any, capsys: Any) -> None:
    _, folder = sent(format="flat")
    change(folder, lambda lines: [*lines[:4], lines[5], lines[4], *lines[6:]])
    code, said = check(folder, monkeypatch, capsys)
    assert (code, "number 5 came after 6" in said) == (1, True)

    change(folder, lambda lines: [*lines, "half a li"])
    assert check(folder, monkeypatch, capsys)[0] == 2


def test_a_view_a_test_and_a_replay_leave_it_whole(
    cast: Any, account: NexmoAccount, sent: Any, monkeypatch: Any, capsys: Any
) -> None:
    chosen = AuditEvent.objects.get(seq=2).event_type
    view = SavedView.objects.create(owner=cast["alice"], name="Some", query=f"event_type={chosen}")
    stream, folder = sent(format="raw", view=view, narrowed=True)
    progress.ask_for_test(stream)
    progress.replay(stream, datetime.fromisoformat("2000-01-01T00:00:00+00:00"))
    serve(stream)

    lines = [json.loads(line) for file in in_order(folder) for line in file.read_text().splitlines()]
    wanted = list(AuditEvent.objects.filter(event_type=chosen).order_by("seq").values_list("seq", flat=True))
    assert [line["sequence"] for line in lines] == [*wanted, 0, *wanted]
    code, said = check(folder, monkeypatch, capsys)
    assert (code, f"{len(wanted)} came more than once. Whole." in said) == (0, True)
