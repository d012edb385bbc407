"""Single sign-on: people of an OpenID Connect or SAML provider, and what its groups give them here.

allauth carries the ceremonies. What it leaves open is decided here: every signature is checked, a login is bound to the
browser that began it, people are known by the provider's subject alone, and groups are read anew at each login.
"""
