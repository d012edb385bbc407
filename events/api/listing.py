"""Lists of events as answers: HAL as Nexmo's clients know it, JSON, and NDJSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from urllib.parse import urlencode

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from django.http import HttpRequest, QueryDict

    from events.api.pages import EventsPage
    from events.reading.numbered import NumberedPage

NDJSON = "application/x-ndjson"


def hal(texts: Sequence[str], members: Mapping[str, object]) -> bytes:
    """A list in HAL: `_embedded`, which an empty list has not, and other members."""
    rest = json.dumps(members)[1:]
    embedded = f'"_embedded": {{"events": [{", ".join(texts)}]}}, ' if texts else ""
    return f"{{{embedded}{rest}".encode()


def plain(texts: Sequence[str], page: EventsPage) -> bytes:
    """A page by cursor as JSON."""
    rest = json.dumps({"cursor": str(page.place) if page.place else None, "has_more": page.has_more})[1:]
    return f'{{"events": [{", ".join(texts)}], {rest}'.encode()


def lines(texts: Sequence[str]) -> bytes:
    """An event a line."""
    return "".join(f"{text}\n" for text in map(_in_one_line, texts)).encode()


def _in_one_line(text: str) -> str:
    # Within JSON a line break can only be blank space between fields.
    return text.replace("\r", " ").replace("\n", " ") if "\n" in text or "\r" in text else text


def address(request: HttpRequest, params: QueryDict, **changed: str | int) -> str:
    """The address of this list with some parameters changed."""
    pairs = [(name, value) for name in params if name not in changed for value in params.getlist(name)]
    return request.build_absolute_uri(f"{request.path}?{urlencode([*changed.items(), *pairs])}")


def numbered_links(request: HttpRequest, params: QueryDict, number: int, pages: int, size: int) -> dict[str, object]:
    """Links among pages by number: those there are."""

    def link(page: int) -> dict[str, str]:
        return {"href": address(request, params, page=page, size=size)}

    links: dict[str, object] = {"self": {"href": request.build_absolute_uri()}, "first": link(1)}
    if number > 1:
        links["prev"] = link(min(number - 1, max(pages, 1)))
    if number < pages:
        links["next"] = link(number + 1)
    links["last"] = link(max(pages, 1))
    return links


def page_members(page: NumberedPage, number: int, size: int) -> dict[str, int]:
    """The `page` object of a list by number."""
    return {"size": size, "totalElements": page.total, "totalPages": -(-page.total // size), "number": number}
