"""The settings of single sign-on and of logging in, declared for `env.py`: name, default, what it is for."""

from __future__ import annotations

# Those that are secrets as a whole.
SECRETS = frozenset({"OIDC_CLIENT_SECRET"})
SETTINGS: tuple[tuple[str, str, str], ...] = (
    (
        "OIDC_ISSUER",
        "",
        "Single sign-on by OpenID Connect: the provider's issuer; empty: none (docs/single-sign-on.md).",
    ),
    ("OIDC_CLIENT_ID", "", "What the provider calls this site."),
    ("OIDC_CLIENT_SECRET", "", "What this site proves itself to the provider with."),
    ("OIDC_SCOPES", "openid profile email", "Scopes to ask for, separated by spaces."),
    ("OIDC_GROUPS", "groups", "The claim that lists a person's groups."),
    ("OIDC_REQUIRE", "", "Claims that a login must carry, comma-separated: hd=example.com."),
    ("OIDC_LABEL", "OpenID Connect", "The provider's name on the login page."),
    ("SAML_METADATA", "", "Single sign-on by SAML: the provider's metadata, a file or an https address; empty: none."),
    (
        "SAML_METADATA_CERTIFICATE",
        "",
        "A PEM file: the certificate that the metadata must be signed with; empty: it need not be signed.",
    ),
    ("SAML_IDP", "", "The provider's entity id, which its metadata begins with."),
    ("SAML_ENTITY_ID", "", "This site's entity id; empty: the address of its metadata."),
    ("SAML_SUBJECT", "", "The attribute that identifies a person; empty: the NameID, which must then be persistent."),
    ("SAML_GROUPS", "groups", "The attribute that lists a person's groups."),
    ("SAML_UNSOLICITED", "false", "true: logins may begin at the provider, from its list of applications."),
    ("SAML_LABEL", "SAML", "The provider's name on the login page."),
    (
        "SSO_GROUPS",
        "",
        "What groups of the provider give: group=team:NAME,role:auditors;group=staff;group=superuser.",
    ),
    (
        "SSO_ADMIT",
        "groups",
        "Who may log in: people in a group of SSO_GROUPS (groups), or all whom the provider lets in (everyone).",
    ),
    ("SSO_PROVISION", "true", "Whether a first login creates a person; false: an administrator links people first."),
    ("SSO_SESSION", "12h", "How long a login by single sign-on lasts: afterwards the provider decides anew."),
    ("SSO_CLOCK_SKEW", "60", "Seconds by which the provider's clock may differ from this one."),
    ("LOCAL_LOGIN", "everyone", "Who may log in with a password: everyone, or superusers alone, for emergencies."),
    ("PASSWORD_LENGTH", "12", "Minimum length of a new password; without a second factor 15 are advised."),
    (
        "REQUIRE_MFA",
        "off",
        "Who must have a second factor: off, staff (whoever may enter the admin, superusers too) or everyone.",
    ),
    (
        "REQUIRE_MFA_GRACE",
        "7d",
        "How long each person may go on without, from their first page under REQUIRE_MFA; 0s: no time.",
    ),
    (
        "REAUTHENTICATION_TIMEOUT",
        "15m",
        "How long a confirmation of who is there counts, before API secrets, tokens, evidence and permissions.",
    ),
    ("REAUTHENTICATE_ROWS", "100000", "Exports of more rows than this ask for such a confirmation too."),
    ("SESSION_IDLE", "12h", "After this time without activity people are logged out."),
    ("SESSION_MAX", "14d", "How long a login lasts at most, used or not (by single sign-on: SSO_SESSION)."),
    ("REQUIRE_MFA_EXCEPT_SSO", "false", "true: not in logins by single sign-on, where the provider asks for factors."),
)
