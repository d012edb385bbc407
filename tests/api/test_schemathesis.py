"""Schemathesis asks what the site's own OpenAPI document and Nexmo's allow, and what they do not, and holds the answers
against them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import Any

import pytest
import schemathesis
import yaml
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import ignored_auth, positive_data_acceptance

from accounts.models import NexmoAccount
from tests.tools.export import add_many

SPECIFICATION = Path(__file__).parents[1] / "data" / "audit.openapi.yml"
# No document can say which values go together, and wrong tokens meet the limit of wrong tokens (tests/tokens).
UNASKED = [positive_data_acceptance, ignored_auth]
some = settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True, database=None)


@pytest.fixture
def token(cast: Any, make_token: Any) -> dict[str, str]:
    """What a program of alice's sends."""
    add_many(NexmoAccount.objects.get(api_key="demo0001"), range(30))
    token = make_token("alice", may_acknowledge=True).token
    return {"Authorization": f"Bearer {token}", "Accept-Encoding": "identity"}


@pytest.fixture
def _transaction_stays_open() -> Iterator[None]:
    """As Django's own client does: what ends a request would close the test's connection."""
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    yield
    for signal in signals:
        signal.connect(close_old_connections)


def of_the_site() -> Any:
    return schemathesis.openapi.from_wsgi("/api/openapi.json", get_wsgi_application())


def of_nexmo() -> Any:
    described = yaml.safe_load(SPECIFICATION.read_text(encoding="utf-8"))
    head = {"openapi": "3.0.0", "info": {"title": "", "version": "1"}, "servers": [{"url": "/beta/audit"}]}
    schema = schemathesis.openapi.from_dict(head | described)
    schema.app = get_wsgi_application()
    return schema


@pytest.mark.usefixtures("_transaction_stays_open")
@pytest.mark.parametrize("document", [of_the_site, of_nexmo])
@pytest.mark.parametrize("mode", GenerationMode)
def test_document_is_kept(token: dict[str, str], mode: GenerationMode, document: Callable[[], Any]) -> None:
    asked = set()
    for found in document().get_all_operations():
        operation = found.ok()

        @some
        @given(case=operation.as_strategy(generation_mode=mode))
        def ask(case: Any) -> None:
            case.call_and_validate(headers=token, excluded_checks=UNASKED)
            asked.add(case.operation.label)

        # What takes any text can be asked nothing wrong.
        with suppress(Unsatisfiable) if mode is GenerationMode.NEGATIVE else nullcontext():
            ask()
    assert asked
