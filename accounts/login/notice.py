"""What a page shows at its top instead of a part that it asked for and does not get."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

from django.shortcuts import render
from django.utils.http import url_has_allowed_host_and_scheme

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


BY_ITSELF = "by_itself"  # in the query of a page that asks for itself again without scripts: templates/_again.html


def at_the_top(request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
    """The notice `template` on the page that asks for a part of itself with htmx: a whole page inside of a table would
    be absurd, and leaving the page would lose what is being read. The template's element has the id `asked`."""
    response = render(request, template, context)
    response.status_code = 286  # ends htmx's polling
    response["HX-Retarget"], response["HX-Reselect"], response["HX-Reswap"] = "#notice", "#asked", "innerHTML"
    return response


def current_page(request: HttpRequest) -> str:
    """The path and query of the page that asks for a part of itself; "" where that is not one of this site."""
    try:
        split = urlsplit(request.headers.get("HX-Current-URL", ""))
    except ValueError:
        return ""
    return own_path(urlunsplit(("", "", split.path, split.query, "")))


def page_before(request: HttpRequest) -> str:
    """The page that a form was sent from, as the browser says: most addresses that are posted to show nothing. Without
    its word it is the address itself."""
    try:
        split = urlsplit(request.headers.get("Referer", ""))
    except ValueError:
        split = urlsplit("")
    is_own = split.netloc == request.get_host()
    page = own_path(urlunsplit(("", "", split.path, split.query, ""))) if is_own else ""
    return page or request.get_full_path()


def own_path(page: str) -> str:
    """The path if it is one of this site, else "". Django takes no address beyond 2,048 characters for safe; what makes
    one unsafe stands at its beginning."""
    return page if url_has_allowed_host_and_scheme(page[:2_000], None) else ""
