"""Logging in by SAML 2.0: requests by redirect, signed assertions by POST."""
