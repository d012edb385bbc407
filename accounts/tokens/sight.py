"""Which tokens a reader may see, and which of them revoke.

People see and revoke their own. Whoever owns an account sees every token that reads it, and may revoke it, unless its
person sees all accounts by a role: nobody who is audited cuts the auditors off. Superusers see and revoke all; auditors
see all, and change nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib.auth import get_user_model
from django.db.models import Exists, OuterRef, Prefetch, Q
from django.utils import timezone

from accounts import permissions
from accounts.models import ApiToken, NexmoAccount

if TYPE_CHECKING:
    from collections.abc import Sequence

    from accounts.models import AnyUser, ApiTokenQuerySet, NexmoAccountQuerySet


def own(user: AnyUser) -> ApiTokenQuerySet:
    """All tokens that a person ever had."""
    return _as_shown(ApiToken.objects.filter(person=user.pk), user)


def on_accounts(user: AnyUser, account: NexmoAccount | None = None) -> ApiTokenQuerySet:
    """Tokens that read the reader's accounts today, or one account; for those who see all accounts whoever's."""
    standing = ApiToken.objects.standing(timezone.now()).filter(person__is_active=True)
    accounts: NexmoAccountQuerySet = NexmoAccount.objects.order_by()
    if not NexmoAccount.objects.sees_all(user):
        accounts = accounts.filter(owner=user.pk)
    elif account is None:
        return _as_shown(standing, user)
    if account is not None:
        accounts = accounts.filter(pk=account.pk)
    return _as_shown(standing.filter(_reads(accounts)), user)


def may_see_those_of(user: AnyUser, account: NexmoAccount) -> bool:
    """Whether the reader may know which tokens read an account."""
    return account.owner_id == user.pk or NexmoAccount.objects.sees_all(user)


def may_see_others(user: AnyUser) -> bool:
    """Whether there may be tokens of others that the reader may see."""
    return NexmoAccount.objects.sees_all(user) or NexmoAccount.objects.filter(owner=user.pk).exists()


def get_revocable(user: AnyUser, identifier: str) -> ApiToken | None:
    """The token of this identifier, if the reader may revoke it; whether it has ended does not matter."""
    token: ApiToken | None = ApiToken.objects.filter(identifier=identifier).select_related("person").first()
    return token if token is not None and revocable(user, [token]) else None


def revocable(user: AnyUser, tokens: Sequence[ApiToken]) -> frozenset[int]:
    """Which of these tokens the reader may revoke, by key."""
    if not (user.is_authenticated and user.is_active):
        return frozenset()
    if user.is_superuser:  # type: ignore[attr-defined]
        return frozenset(token.pk for token in tokens)
    own = {token.pk for token in tokens if token.person_id == user.pk}
    owned: NexmoAccountQuerySet = NexmoAccount.objects.order_by().filter(owner=user.pk)
    reading = ApiToken.objects.filter(_reads(owned), pk__in=[token.pk for token in tokens]).exclude(_by_role())
    return frozenset(own | set(reading.order_by().values_list("pk", flat=True)))


def _reads(accounts: NexmoAccountQuerySet) -> Any:
    """Tokens that are for one of these accounts and whose person sees it; as `NexmoAccountQuerySet.visible_to`, from
    the other side."""
    by_role = _by_role()
    shared = NexmoAccount.teams.through.objects.filter(
        nexmoaccount=OuterRef("pk"), group__user=OuterRef(OuterRef("person"))
    )
    seen = accounts.filter(Q(owner=OuterRef("person")) | Exists(shared))
    chosen = Q(api_tokens=OuterRef("pk"))
    return Q(all_accounts=True) & (by_role & Exists(accounts) | Exists(seen)) | Q(all_accounts=False) & (
        by_role & Exists(accounts.filter(chosen)) | Exists(seen.filter(chosen))
    )


def _by_role() -> Any:
    """Tokens of people who see all accounts, whoever owns them."""
    seers = get_user_model().objects.with_perm(
        permissions.VIEW_ALL_ACCOUNTS, backend="django.contrib.auth.backends.ModelBackend"
    )
    return Q(person__in=seers.order_by().values("pk"))


def _as_shown(tokens: ApiTokenQuerySet, user: AnyUser) -> ApiTokenQuerySet:
    """With what a list shows of them: of the accounts that they are for only those that the reader may see."""
    visible = NexmoAccount.objects.visible_to(user).only("name", "api_key")
    return tokens.select_related("person", "revoked_by").prefetch_related(
        Prefetch("accounts", visible, to_attr="shown_accounts"),
    )
