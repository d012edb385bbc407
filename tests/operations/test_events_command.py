"""`manage.py events`: filtered events for a pipe, and more as they arrive."""

from __future__ import annotations

import io
import json
import signal
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from accounts.models import NexmoAccount
from events.management.commands.events import Output, Stop
from tests.conftest import event_json
from tests.tools.export import add_many, add_raw
from tests.tools.processes import start_command


def ids_of(text: str) -> list[str]:
    return [json.loads(line)["id"] for line in text.splitlines()]


def printed(capfdbinary: Any, *arguments: str) -> list[str]:
    call_command("events", *arguments)
    return ids_of(capfdbinary.readouterr().out.decode())


def test_events_are_filtered_and_a_line_each(account: NexmoAccount, capfdbinary: Any) -> None:
    add_many(account, range(3))
    add_many(account, [5], event_type="USER_LOGIN")
    add_raw(account, json.dumps(event_json(9), indent=2))

    assert printed(capfdbinary) == [event_json(number)["id"] for number in (9, 5, 2, 1, 0)]
    assert printed(capfdbinary, "--event-type", "USER_*") == [event_json(5)["id"]]


def test_a_person_sees_no_more_than_on_the_site(account: NexmoAccount, capfdbinary: Any) -> None:
    add_many(account, [1])
    add_many(NexmoAccount.objects.get(api_key="demo0003"), [2])

    assert printed(capfdbinary, "--user", "bob") == [event_json(1)["id"]]
    assert len(printed(capfdbinary, "--user", "audrey")) == len(printed(capfdbinary)) == 2
    with pytest.raises(CommandError, match="No account demo0003 is visible"):
        call_command("events", "--user", "bob", "--account", "demo0003")
    with pytest.raises(CommandError, match="no active user"):
        call_command("events", "--user", "nobody")


@pytest.mark.parametrize("arguments", [["--from-now"], ["--follow", "--interval", "0"], ["--event-type", "NO_SUCH"]])
def test_what_cannot_be_meant_is_refused(cast: Any, arguments: list[str]) -> None:
    with pytest.raises(CommandError):
        call_command("events", *arguments)


class _Cut(io.BytesIO):
    """A pipe whose writes are cut short, as signals do. It tells the command to end with the first."""

    def __init__(self, stop: Stop) -> None:
        super().__init__()
        self.stop = stop

    def write(self, data: Any) -> int:
        if not self.tell():
            self.stop()
        return super().write(data[:7])


def test_a_line_is_finished_first() -> None:
    stop = Stop()
    output = Output(_Cut(stop))
    output.write([f'{{"number": {number}}}' for number in range(10_000)], stop)

    lines = output.file.getvalue().decode().split("\n")  # type: ignore[attr-defined]
    assert [json.loads(line)["number"] for line in lines[:-1]] == list(range(len(lines) - 1))
    assert lines[-1] == ""
    assert 1 < len(lines) < 10_000, "no more than what was being written"
    with pytest.raises(KeyboardInterrupt):
        stop()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM, None])
def test_following_goes_on_and_stops_cleanly(account: NexmoAccount, end: signal.Signals | None) -> None:
    """`end`: None where whoever reads closes the pipe."""
    add_many(account, [1])
    process = start_command("-", "events", "--follow", "--interval", "0.05", "--user", "bob")
    assert process.stdout
    try:
        assert json.loads(process.stdout.readline())["id"] == event_json(1)["id"]
        add_many(account, [2], created_at="2020-01-01T00:00:00")
        assert json.loads(process.stdout.readline())["id"] == event_json(2)["id"]
        if end is not None:
            process.send_signal(end)
            assert process.stdout.read() == ""
        else:
            process.stdout.close()  # which is noticed though nothing more arrives
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.stdout.close()
