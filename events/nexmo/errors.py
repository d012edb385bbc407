"""What can go wrong at the Audit API, by what the caller should do about it."""

from __future__ import annotations


class AuditAPIError(Exception):
    """A request to the Audit API failed.

    Attributes:
        code: a stable word for the kind of trouble.
        status: the HTTP status, 0 if there was no answer.
        detail: the API's own words, shortened; never a credential.
        trace_id: Nexmo's id of the request, which its support asks for; may be empty.
    """

    code = "error"
    what = "The Audit API could not be used."
    advice = "Try again later."

    def __init__(self, detail: str = "", *, status: int = 0, trace_id: str = "") -> None:
        self.detail = detail
        self.status = status
        self.trace_id = trace_id
        super().__init__(detail)

    def __str__(self) -> str:
        """What happened and what to do first, the other side's own words last."""
        status = f" (HTTP {self.status})" if self.status else ""
        parts = [f"{self.what.removesuffix('.')}{status}.", self.advice]
        if self.detail:
            parts.append(f"Nexmo said: {self.detail}" if self.status else self.detail)
        if self.trace_id:
            parts.append(f"[trace {self.trace_id}]")
        return " ".join(parts)


class CredentialsRefused(AuditAPIError):
    """401: stop asking until the credentials change."""

    code = "credentials"
    what = "Nexmo refused the API key or secret."
    advice = "Enter the current secret in the admin; no request is sent until then."


class AccessDenied(AuditAPIError):
    """403: the account may not use the Audit API, or not from here."""

    code = "denied"
    what = "Nexmo denied access to this account's audit events."
    advice = "Check with Nexmo that the account is active, may use the Audit API, and allows this machine's address."


class NotFound(AuditAPIError):
    """404: no such event; or, on the list, no such API."""

    code = "not-found"
    what = "Nexmo has nothing at this address."
    advice = "Check NEXMO_AUDIT_URL."


class RequestRejected(AuditAPIError):
    """Another 4xx: the request itself is wrong, asking again will not help."""

    code = "rejected"
    what = "Nexmo rejected the request."
    advice = "This is likely a fault in Auditsite or a change at Nexmo; report it with this message."


class Redirected(RequestRejected):
    """3xx: not followed, because the API secret goes to the configured host only."""

    code = "redirected"
    what = "The Audit API answered with a redirect, which is not followed."
    advice = "Check NEXMO_AUDIT_URL and any proxy in between."


class TransientError(AuditAPIError):
    """Worth trying again after a pause; `retry_after` is the one that the API asked for, in seconds."""

    retry_after: float | None = None


class RateLimited(TransientError):
    """429, still, after all retries."""

    code = "rate-limited"
    what = "Nexmo asked to slow down."
    advice = "The next sync waits longer; lower NEXMO_REQUESTS_PER_SECOND if this happens often."

    def __init__(self, detail: str = "", *, status: int = 429, trace_id: str = "", retry_after: float | None = None):
        super().__init__(detail, status=status, trace_id=trace_id)
        self.retry_after = retry_after


class Unavailable(TransientError):
    """No answer, an answer that broke off, or a 5xx, still, after all retries."""

    code = "unavailable"
    what = "Nexmo could not be reached or had an error of its own."
    advice = "The next sync tries again by itself."


class MalformedResponse(TransientError):
    """A successful status with a body that is not what the API documents; never taken as "no events"."""

    code = "malformed"
    what = "Nexmo's answer could not be understood."
    advice = "The next sync tries again; check NEXMO_AUDIT_URL and any proxy if this persists."


class Stopped(Exception):
    """The caller asked to stop while the client was waiting."""
