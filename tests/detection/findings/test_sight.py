"""What a reader is told of a finding that lies in hidden accounts too."""

from __future__ import annotations

import pytest

from accounts.models import NexmoAccount
from events.models import FindingChange
from tests.conftest import NOON
from tests.detection.conftest import SightOf
from tests.tools.findings import make_finding


@pytest.mark.parametrize(("reader", "details"), [("alice", ""), ("charlie", ""), ("audrey", "7")])
def test_how_many_events_were_added_is_told_to_who_sees_all_their_accounts(
    sight: SightOf, accounts: dict[str, NexmoAccount], reader: str, details: str
) -> None:
    both = [accounts["demo0001"], accounts["demo0003"]]
    finding = make_finding(accounts=both)
    FindingChange.objects.create(
        finding=finding, at=NOON, action="extended", details="7", accounts=[account.pk for account in both]
    )
    its = sight(reader)

    history = its.history_of(finding, its.parts_of([finding.pk])[finding.pk])

    assert [(line.action, line.details) for line in history if line.action == "extended"] == [("extended", details)]
