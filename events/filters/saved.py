"""Views: filters worth keeping, built in or saved by people, and which of them a list shows.

Whoever opens a view takes its key along in the address (`view=7`): the list goes on being called by it when its filter
is narrowed further. The key filters nothing, and names nothing to those who may not see the view.
"""

from __future__ import annotations

import fnmatch
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import chain
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.db.models import BigIntegerField, BooleanField, CharField, Exists, OuterRef, TextField, Value
from django.http import QueryDict
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from accounts.models import NexmoAccount
from accounts.prepared import Prepared
from events.filters.dates import with_times
from events.filters.fields import split_list, unsigned
from events.filters.limits import MOST_CHARACTERS, excess, within
from events.filters.query_string import OPENED
from events.filters.saved_html import draw_menu
from events.filters.search_box import expanded
from events.models import SavedView, Star
from events.reading.filterable import DATES, DIMENSIONS, SINGLE
from events.wording.codes import source_codes
from events.wording.times import pinned

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.utils.functional import _StrPromise

    from accounts.models import AnyUser


@dataclass(frozen=True)
class Builtin:
    """A view that everybody has; `code` is what stars know it by."""

    code: str
    name: str | _StrPromise
    description: str | _StrPromise
    query: str


BUILTIN = (
    Builtin(
        "secrets",
        _("Secrets created or deleted"),
        _("Every API secret created or deleted."),
        "event_type=ACCOUNT_SECRET_CREATE,ACCOUNT_SECRET_DELETE",
    ),
    Builtin(
        "logins",
        _("Logins from new countries"),
        _("Logins from a country where the user had never been seen in that account."),
        "event_type=USER_LOGIN&new=country",
    ),
    Builtin(
        "users",
        _("Users added or changed"),
        _("Nexmo dashboard users who were created, changed, enabled or disabled."),
        "event_type=USER_CREATE,USER_STATUS,USER_UPDATE",
    ),
    Builtin(
        "numbers",
        _("Numbers bought this week"),
        _("Numbers bought in the last seven days, in all accounts."),
        "event_type=NUMBER_ASSIGN&period=7d",
    ),
    Builtin(
        "api",
        _("Changes through the API"),
        _("Changes made with an API key rather than in the dashboard."),
        "source=API",
    ),
    Builtin(
        "addresses",
        _("IP allow list changes"),
        _("Addresses added to the API's allow list or removed from it."),
        "event_type=IP_WHITELIST_CREATE,IP_WHITELIST_DELETE",
    ),
)
CODES = {builtin.code for builtin in BUILTIN}


def read_query(text: str) -> QueryDict | None:
    """The parameters of a query string; None where it is too long to be one of a filter."""
    return QueryDict(text) if len(text) <= MOST_CHARACTERS else None


def canonical(params: QueryDict, **more: str) -> str:
    """A list's query string in the one spelling that equal filters share: without its page, without what is empty."""
    params = with_times(params)
    params, _problem = expanded(within(params, excess(params)))
    values = {name: (params.get(name) or "").strip() for name in SINGLE}
    values |= {name: pinned(values[name], is_end=name == "date_to") for name in DATES if values[name]}
    if values["order"] == "newest":
        del values["order"]  # as it is without
    values |= {name: ",".join(sorted(split_list(params.getlist(name)))) for name in DIMENSIONS}
    return urlencode(sorted((name, value) for name, value in (values | more).items() if value), safe=",*:@/")


def _by_codes(query: str) -> str:
    """A canonical query with its sources by Nexmo's codes: to who looks for a view, API and DEVAPI are the same."""
    if "source=" not in query:
        return query
    params, codes = QueryDict(query, mutable=True), source_codes()
    items = [unsigned(item) for item in split_list(params.getlist("source"))]
    spelled = [(wanted, codes.get(value.lower(), value)) for wanted, value in items]
    params["source"] = ",".join(value if wanted else f"-{value}" for wanted, value in spelled)
    return canonical(params)


@dataclass(frozen=True)
class View:
    """A view as pages show it; a saved one has a key, a built-in one a code."""

    name: Any
    description: Any
    query: str
    pk: int = 0
    builtin: str = ""
    owner: str = ""
    team: str = ""
    mine: bool = False
    starred: bool = False

    @property
    def key(self) -> str:
        """What a star is given to."""
        return self.builtin or str(self.pk)

    @property
    def href(self) -> str:
        """The list, filtered by it."""
        return opened_address(self.query, self.key)

    def on(self, events: str) -> str:
        """The same, where the address of the list is known."""
        return opened_address(self.query, self.key, events)


def opened_address(query: str, key: str | int, events: str = "") -> str:
    """The list (by default at its own address) with the filter of a view, knowing which view it is."""
    return f"{events or reverse('events:list')}?{query}&{OPENED}={key}"


@dataclass(frozen=True)
class Views:
    """All views that somebody may choose from, by name."""

    saved: list[View]
    builtin: list[View]

    @cached_property
    def starred(self) -> list[View]:
        return [view for view in (*self.saved, *self.builtin) if view.starred]

    @cached_property
    def mine(self) -> list[View]:
        return [view for view in self.saved if view.mine and not view.starred]

    @cached_property
    def teams(self) -> list[View]:
        return [view for view in self.saved if not view.mine and not view.starred]

    @cached_property
    def others(self) -> list[View]:
        """The built-in ones without a star."""
        return [view for view in self.builtin if not view.starred]

    @property
    def groups(self) -> tuple[list[View], ...]:
        """All of them, each once."""
        return self.starred, self.mine, self.teams, self.others

    def named(self, key: str) -> View | None:
        """The view with this key, or None where the reader has none such."""
        return next((view for view in (*self.saved, *self.builtin) if view.key == key), None) if key else None

    def of(self, query: str, first: View | None = None) -> View | None:
        """The view that a canonical query is; `first` where that is one of several."""
        meant = _by_codes(query)
        views = chain((first,) if first else (), *self.groups)
        return next((view for view in views if _by_codes(view.query) == meant), None)


def _choices(user: int) -> QuerySet[Any]:
    """Saved views, with whether the user starred each; then, as rows of the same form, the built-in ones starred."""
    star = Exists(Star.objects.filter(user=user, view=OuterRef("pk")))
    saved = (
        SavedView.objects.visible_to_key(user)
        .order_by()
        .values_list(
            "pk", "name", "description", "query", "owner", "owner__username", "team__name", star, Value("", CharField())
        )
    )
    nothing = (Value("", CharField()), Value("", CharField()), Value("", TextField()))
    codes = Star.objects.filter(user=user, view=None).values_list(
        *(Value(0, BigIntegerField()), *nothing, Value(0, BigIntegerField())),
        *(Value("", CharField()), Value("", CharField()), Value(True, BooleanField()), "builtin"),
    )
    return saved.union(codes, all=True)


_CHOICES = Prepared(_choices)


class Openable:
    """Which of the views that others made a reader may know of: none that names an account which is not theirs to see.
    Such a view tells of that account by its filter, and would ask for something else without it."""

    def __init__(self, user: AnyUser) -> None:
        self._user = user

    @cached_property
    def _accounts(self) -> list[str]:
        visible = NexmoAccount.objects.list_visible_to(self._user)
        return [name.casefold() for account in visible for name in (account.api_key, account.name)]

    def __call__(self, owner: int, query: str) -> bool:
        if owner == self._user.pk or "account=" not in query:
            return True
        named = [unsigned(item)[1].casefold() for item in split_list(QueryDict(query).getlist("account"))]
        return all(fnmatch.filter(self._accounts, name.replace("[", "[[]")) for name in named)


def openable_views(user: AnyUser, views: QuerySet[SavedView] | None = None) -> QuerySet[SavedView]:
    """The views that a user may open. `views`: of these, instead of own ones and those of the user's teams."""
    if views is None:
        views = SavedView.objects.visible_to(user)
    is_openable = Openable(user)
    naming = views.exclude(owner=user.pk).filter(query__contains="account=").order_by()
    hidden = [pk for pk, owner, query in naming.values_list("pk", "owner", "query") if not is_openable(owner, query)]
    return views.exclude(pk__in=hidden) if hidden else views


def views_of(user: AnyUser) -> Views:
    """The views that a user may choose from, with the user's stars: one query, and another where one that somebody else
    made names accounts."""
    saved, stars = [], set()
    is_openable = Openable(user)
    for pk, name, description, query, owner, username, team, starred, code in _CHOICES.rows(user.pk or 0):
        if code:
            stars.add(code)
        elif is_openable(owner, query):
            saved.append(View(name, description, query, pk, "", username, team or "", owner == user.pk, bool(starred)))
    saved.sort(key=lambda view: (view.name.casefold(), view.pk))
    builtin = [view if view.builtin not in stars else replace(view, starred=True) for view in _builtin(get_language())]
    return Views(saved, builtin)


@lru_cache(maxsize=16)
def _builtin(language: str | None) -> tuple[View, ...]:
    """The built-in views in the language in use, which is part of what the cache knows an answer by."""
    return tuple(View(str(view.name), str(view.description), view.query, 0, view.code) for view in BUILTIN)


@dataclass(frozen=True)
class Menu:
    """What the list of events offers.

    Attributes:
        current: the view that the list is, or was before its filter was changed.
        opened: the key of the view it was opened as, to be kept while the filter is changed.
        changed: its filter is another than the view's.
        query: the filter, if it can be saved.
        save: where it can be saved under a name of its own.
    """

    views: Views | None = None
    current: View | None = None
    opened: str = ""
    changed: bool = False
    query: str = ""
    save: str = ""

    @property
    def html(self) -> str:
        """What there is to choose from."""
        return draw_menu(self.views, self.current, changed=self.changed) if self.views else ""


def menu(user: AnyUser, params: QueryDict, *, readable: bool) -> Menu:
    """The menu of the list of all accounts. `readable`: the filter has no mistake."""
    query = canonical(params) if readable else ""
    views = views_of(user)
    opened = views.named(params.get(OPENED) or "")
    key = opened.key if opened else ""
    current = views.of(query, opened) if query else None
    if current or not opened:
        return Menu(views, current, key, save=_save(query) if query and not current else "")
    return Menu(views, opened, key, changed=True, query=query, save=_save(query, **{OPENED: key}) if query else "")


def account_menu(params: QueryDict, api_key: str, *, readable: bool) -> Menu:
    """The same for the list of one account, of which a view then is a view too."""
    query = canonical(params) if readable else ""
    return Menu(save=_save(canonical(params, account=api_key)) if query else "")


def _save(query: str, **opened: str) -> str:
    return f"{reverse('events:view_new')}?{urlencode({'query': query} | opened)}"
