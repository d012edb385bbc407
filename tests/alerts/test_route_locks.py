"""Routing beside an evaluation, on PostgreSQL: nobody waits for somebody who waits for him."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from accounts.models import NexmoAccount
from events.alerts import route
from events.detection.findings import writing
from events.models import Finding
from tests.alerts.conftest import states

Make = Callable[..., Any]


@pytest.mark.django_db(transaction=True)
def test_finding_that_is_extended_while_it_is_routed(
    cast: Any, make_finding: Make, make_channel: Make, subscribe: Make
) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one lock for all")
    subscribe(make_channel())
    finding = make_finding(NexmoAccount.objects.get(api_key="demo0001"))
    failed: list[Exception] = []

    def routing() -> None:
        try:
            route.route_findings()
        except Exception as error:
            failed.append(error)
        finally:
            connection.close()

    other = threading.Thread(target=routing)
    with writing.turn():
        other.start()
        deadline = time.monotonic() + 60
        with connection.cursor() as cursor:
            while time.monotonic() < deadline:
                cursor.execute("SELECT COUNT(*) FROM pg_locks WHERE NOT granted")
                if cursor.fetchone()[0]:
                    break
        writing.update(finding, extended_at=timezone.now() - timedelta(seconds=1))
    other.join(60)

    assert failed == []
    assert states() == [("opened", "waiting")]
    assert Finding.objects.get().routed_at
