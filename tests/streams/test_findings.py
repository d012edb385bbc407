"""Streams of findings: each as far as the holder may see it, again when it changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from accounts.models import NexmoAccount
from events.models import AuditEvent, Finding, FindingChange, Stream
from tests.streams.conftest import serve
from tests.tools.findings import make_finding
from tests.tools.receivers import HttpReceiver

pytestmark = pytest.mark.django_db


def found(*events: AuditEvent) -> Finding:
    finding = make_finding(list(events))
    if not finding.changes.exists():
        FindingChange.objects.create(finding=finding, at=finding.found_at, action=FindingChange.Action.FOUND)
    return finding


@pytest.fixture
def receiver() -> Any:
    receiver = HttpReceiver()
    yield receiver
    receiver.close()


def test_findings_are_sent_as_far_as_the_holder_sees_and_again_when_they_change(
    cast: Any, events: dict[str, AuditEvent], make_stream: Callable[..., Stream], receiver: Any
) -> None:
    visible = {account.api_key for account in NexmoAccount.objects.visible_to(cast["alice"])}
    mine, other = events["demo0001"], next(event for key, event in events.items() if key not in visible)
    both, hidden = found(mine, other), found(other)
    stream = make_stream("webhook", f"{receiver.address}/hook", contents="findings", format="ocsf", options={})

    assert serve(stream) == 1

    (sent,) = receiver.taken.bodies
    assert sent["class_uid"] == 2004
    assert str(both.pk) in sent["finding_info"]["uid"]
    assert other.account.api_key not in str(sent)
    assert other.account.name not in str(sent)
    assert str(hidden.pk) not in sent["finding_info"]["uid"]

    FindingChange.objects.create(finding=both, at=both.found_at, action=FindingChange.Action.EXTENDED)
    FindingChange.objects.create(finding=hidden, at=both.found_at, action=FindingChange.Action.EXTENDED)
    assert serve(stream) == 1
    assert serve(stream) == 0
    stream.refresh_from_db()
    assert stream.sent_count == 2


def test_findings_from_now_on(events: dict[str, AuditEvent], make_stream: Callable[..., Stream], receiver: Any) -> None:
    found(events["demo0001"])
    stream = make_stream("webhook", f"{receiver.address}/hook", contents="findings", start="now")
    assert serve(stream) == 0

    found(events["demo0001"])
    assert serve(stream) == 1


def test_a_finding_that_changes_often_is_sent_once_in_a_batch(
    events: dict[str, AuditEvent], make_stream: Callable[..., Stream], receiver: Any
) -> None:
    finding = found(events["demo0001"])
    for _ in range(4):
        FindingChange.objects.create(finding=finding, at=finding.found_at, action=FindingChange.Action.EXTENDED)
    stream = make_stream("webhook", f"{receiver.address}/hook", contents="findings", format="flat")

    assert serve(stream) == 1
    assert len(receiver.taken.bodies) == 1
