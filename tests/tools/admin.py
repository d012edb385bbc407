"""What the tests of the admin share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.test import Client

from accounts.models import NexmoAccount
from events.models import AuditEvent

Login = Callable[[str], Client]
Add = Callable[..., AuditEvent]

LIST = "/admin/accounts/nexmoaccount/"
ADD = f"{LIST}add/"


def change(account: NexmoAccount) -> str:
    return f"{LIST}{account.pk}/change/"


def form(**fields: Any) -> dict[str, Any]:
    """What a browser sends: empty fields too, but no box that is not ticked."""
    plain = {"name": "New shop", "api_key": "a1b2c3d4", "api_secret": "fresh-secret-1", "api_secret_secondary": ""}
    return plain | {"is_active": "on"} | fields


def fresh(account: NexmoAccount) -> NexmoAccount:
    return NexmoAccount.objects.get(pk=account.pk)


def errors(response: Any) -> dict[str, list[str]]:
    assert response.status_code == 200
    return response.context["adminform"].form.errors


def messages(response: Any) -> list[tuple[str, str]]:
    """Level and text of the messages that the page after a redirect shows."""
    return [(message.level_tag, str(message)) for message in response.context["messages"]]


def act(client: Client, name: str, *accounts: NexmoAccount) -> list[tuple[str, str]]:
    """Run one of the list's actions, and give its messages."""
    data = {"action": name, "_selected_action": [account.pk for account in accounts]}
    return messages(client.post(LIST, data, follow=True))
