"""Each answer that needs an entry has one, and no other: the administrator walks over every path."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from accounts.access.models import AccessEntry
from auditsite.access_log import recent
from auditsite.access_log.addresses import rule_for
from auditsite.rights.addresses import TABLE
from tests.tools.export import body
from tests.tools.scope import Login
from tests.tools.world import World


def test_every_answer_that_needs_an_entry_has_one_and_no_other_has(
    login: Login, cast: dict[str, Any], events: dict[str, Any], settings: Any, tmp_path: Path
) -> None:
    settings.EVIDENCE_DIR = tmp_path
    world = World(cast, events, tmp_path)
    admin, wrong, written = login("admin"), [], AccessEntry.objects.count()
    for name in TABLE:
        rule = rule_for(name)
        for path in set(world.paths(name).values()):
            recent.forget()  # each as if it were the first
            answer = admin.get(path)
            status, found = answer.status_code, AccessEntry.objects.count() - written
            body(answer)  # an export has one more by then
            written = AccessEntry.objects.count()
            needs = rule is not None and rule.get is not None and status in (200, 403, 404)
            if found != needs:
                wrong.append((name, path, status, found))

    assert wrong == []
    assert written > 50
