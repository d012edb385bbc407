"""docs/permissions.md, made from the table of rights."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from django.apps import apps
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils.translation import override

from accounts import permissions
from auditsite.rights.addresses import MODELS, PAGES, TABLE, Row
from auditsite.rights.who import ROLES, Right

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import Any

_HEAD = """\
# Who may do what

<!-- Written by `manage.py permissions --output docs/permissions.md`; a test compares. Change
`auditsite/rights/addresses.py` instead. -->

Each address takes the methods that have a right in its row, and refuses all others. A test asks every address with
every method as each of these roles, so this page says what the site does. People often have several roles: what any of
them allows is allowed. A role does not open the admin: that takes *May use the admin* on a person's page.

"""
_RIGHTS = """\
## Rights

*404*: as if there were no such thing. *403*: refused, with a reason. *401*: asks for a token. *log in*: leads to the
login. *own*: what belongs to the reader; *team's*: what belongs to a team of the reader's. Permissions come with roles,
or one by one on a person's page in the admin.

"""
_ADDRESSES = """\
## Addresses

"""
_ADMIN = """\
## The admin

Lists, histories and pages show only what the reader sees on the site. Foreign objects are not found.

"""
_ELSEWHERE = """\
## What takes more than an address

- **Losing access** counts from the next request, whatever is open: for people who are switched off, members who leave a
  team, roles that are taken away, tokens that are revoked. It is asked once a second whether a file may still be sent.
  If not, what the server holds of it is thrown away and the connection is reset, so that no half of a file passes for
  the whole; a slow reader may get a quarter of a megabyte before that, besides what is on its way in the network and in
  a proxy. An evidence pack that is being made fails. Streams ask once a second which accounts their owner sees, and
  every half minute whether the owner may open their view; alerts, reports and reminders ask each time they send.
- **Leaving**: the page of a person in the admin says what others rely on that person for, and superusers hand it over
  there: accounts, views that others use, channels, subscriptions, streams, reports, review schedules. Nobody who owns
  an account can be deleted. *People* can be narrowed to those who are switched off and still have something. Views stay
  where they are whose filter names accounts that the new owner does not see; subscriptions and streams keep to the
  accounts that were seen before; what ends because its view, or all that a stream sends, is not the new owner's to see
  is named. Open findings can be assigned to the new owner, or to nobody. The history of each thing says whose it was.
- **Keeping events for a shorter time** takes `{shorten}` besides being able to change the account; placing legal holds
  takes `{holds}`, and releasing them `{releases}`.
- **Seal keys, credential keys, restoring a backup** and all else that `manage.py` does are for whoever may run it on
  the machine.
"""


def page() -> str:
    """The whole document."""
    with override("en"):
        rights = _rights()
        return _HEAD + "\n".join(
            (
                _table(("role", "is"), ROLES.items()),
                _RIGHTS + _table(("right", "who", "permission", *ROLES), (_line(right) for right in rights)),
                _ADDRESSES + _table(("address", "GET", "POST"), _addresses()),
                _ADMIN + _table(("kind", *PAGES), _models()),
                _ELSEWHERE.format(
                    shorten=permissions.SHORTEN_RETENTION,
                    holds=permissions.ADD_HOLDS,
                    releases=permissions.CHANGE_HOLDS,
                ),
            )
        )


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _rights() -> list[Right]:
    """Those that the table uses, in its order."""
    used = (right for row in TABLE.values() for right in (row.get, row.post) if right)
    return list({right.title: right for right in used}.values())


def _line(right: Right) -> Sequence[str]:
    permission = f"`{right.permission}`" if right.permission else ""
    return right.title, right.words, permission, *(right.answers[role].value for role in ROLES)


def addresses(patterns: Any = None, path: str = "/", space: str = "") -> Iterator[tuple[str, str]]:
    """Name and address of every path of the URLconf; what has no name goes by its address."""
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        if isinstance(pattern, URLPattern):
            address = re.sub(r"<[a-z_]+:", "<", f"{path}{pattern.pattern}")
            yield f"{space}{pattern.name}" if pattern.name else address, address
        elif isinstance(pattern, URLResolver):
            inner = f"{space}{pattern.namespace}:" if pattern.namespace else space
            yield from addresses(pattern.url_patterns, f"{path}{pattern.pattern}", inner)


def _addresses() -> Iterator[Sequence[str]]:
    """A line for each name; the pages of the admin's models have a table of their own."""
    models = {f"admin:{model}_{name}" for model in MODELS for name in PAGES}
    found: dict[str, list[str]] = {}
    for name, address in addresses():
        if name not in models and name != address:
            found.setdefault(name, []).append(f"`{address}`")
    for name, listed in found.items():
        row = TABLE.get(name, Row())
        yield ", ".join(dict.fromkeys(listed)), _title(row.get), _title(row.post)


def _models() -> Iterator[Sequence[str]]:
    for name, pages in MODELS.items():
        kind = str(apps.get_model(name.replace("_", ".", 1))._meta.verbose_name_plural)
        cells = []
        for page_name in PAGES:
            row = pages[page_name]
            same = row.get == row.post
            cells.append(_title(row.get) if same else f"{_title(row.get)}; to save: {_title(row.post)}")
        yield kind, *cells


def _title(right: Right | None) -> str:
    return right.title if right else "–"
