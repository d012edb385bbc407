"""Addresses of event lists and of the pages beside them: the query string is the filter."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlencode

from django.urls import reverse

from accounts.login.notice import BY_ITSELF

if TYPE_CHECKING:
    from collections.abc import Mapping

    from accounts.models import NexmoAccount
    from events.reading import Cursor

PAGE_PARAMS = ("before", "after")
OPENED = "view"  # which saved view the list was opened as


def with_params(params: Any, **changes: str | None) -> str:
    """A query string with some parameters replaced (None removes one), the rest as it is."""
    query = params.copy()
    query.pop(BY_ITSELF, None)
    for name, value in changes.items():
        query.pop(name, None)
        if value is not None:
            query[name] = value
    return "?" + query.urlencode() if query else "?" + urlencode({})


def page_address(name: str, account: NexmoAccount | None, *args: str) -> str:
    """A page about events, such as "list", "summary" or "export": of one account, or of all the reader may see."""
    if account is None:
        return _address(f"events:{name}", args)
    return _address(f"events:account_{name}", (account.api_key, *args))


@lru_cache(maxsize=4096)
def _address(name: str, args: tuple[str, ...]) -> str:
    return reverse(name, args=args)


class Neighbours(Protocol):
    """A page that knows its neighbours."""

    @property
    def newer(self) -> Cursor | None: ...

    @property
    def older(self) -> Cursor | None: ...


def page_links(path: str, params: Any, page: Neighbours) -> dict[str, str]:
    """The neighbouring pages of a list; an empty text where there is none."""
    clear: Mapping[str, str | None] = dict.fromkeys(PAGE_PARAMS)
    return {
        "newer": with_params(params, **{**clear, "after": str(page.newer)}) if page.newer else "",
        "older": with_params(params, **{**clear, "before": str(page.older)}) if page.older else "",
        "first": with_params(params, **clear),
        "everything": path,
    }


def days_address(account: NexmoAccount, first: date, last: date | None = None) -> str:
    """An account's events of some days of UTC, up to now where no last one is given."""
    params = {"date_from": datetime.combine(first, time(), tzinfo=UTC).isoformat()}
    if last:
        params["date_to"] = (
            datetime.combine(last, time(), tzinfo=UTC) + timedelta(days=1, microseconds=-1)
        ).isoformat()
    return f"{page_address('list', account)}?{urlencode(params)}"
