"""What several tests of the site itself need."""

from __future__ import annotations

import importlib
from types import ModuleType

import pytest

from auditsite.configuration import env


@pytest.fixture
def gunicorn(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The server's configuration, whose import makes a process one that serves pages."""
    monkeypatch.setattr(env, "_withheld", set())
    monkeypatch.setenv("SEAL_KEY", "")  # so that it is back afterwards
    return importlib.import_module("auditsite.gunicorn")
