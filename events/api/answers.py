"""What every answer of the API has in common: a tag to ask again by, compression, and no body for HEAD."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from django.http import HttpResponse
from django.utils.http import parse_etags
from django.utils.text import compress_string

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.http import HttpRequest

LEAST_COMPRESSED = 500  # bytes
RANDOM_BYTES = 100  # that compression adds at most, so that sizes tell little


def answer(
    request: HttpRequest,
    body: bytes,
    media_type: str,
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> HttpResponse:
    """The answer with this body, or 304 where the client has it already.

    It is compressed for programs only. A browser sends credentials that it has kept along with whatever another site
    lets it ask, and sizes of compressed answers would then tell that site what is in them (BREACH).
    """
    # Weak: the same content, compressed or not.
    # Many processors have SHA-256 built in, so that it costs half of what others do.
    tag = f'W/"{hashlib.sha256(media_type.encode() + body).hexdigest()[:32]}"'
    known = status == 200 and request.method in ("GET", "HEAD") and _knows(request, tag)
    response = HttpResponse(b"" if known else body, status=304 if known else status, content_type=media_type)
    for name, value in (headers or {}).items():
        response[name] = value
    if status == 200 and request.method in ("GET", "HEAD"):
        response["ETag"] = tag
    response["Vary"] = "Accept, Accept-Encoding, Authorization"
    if known:
        del response["Content-Type"]
        return response
    if _may_compress(request, body):
        response.content = compress_string(body, max_random_bytes=RANDOM_BYTES)
        response["Content-Encoding"] = "gzip"
    response["Content-Length"] = str(len(response.content))
    if request.method == "HEAD":
        response.content = b""
    return response


def _knows(request: HttpRequest, tag: str) -> bool:
    known = parse_etags(request.headers.get("If-None-Match", ""))
    return "*" in known or tag in known or tag.removeprefix("W/") in known


def _may_compress(request: HttpRequest, body: bytes) -> bool:
    if len(body) < LEAST_COMPRESSED or not _takes_gzip(request.headers.get("Accept-Encoding", "")):
        return False
    return "Sec-Fetch-Site" not in request.headers and not request.COOKIES


def _takes_gzip(accepted: str) -> bool:
    """Whether gzip is named, and not with the weight of nothing, which forbids it."""
    for coding in accepted.lower().split(","):
        name, _semicolon, weight = coding.partition(";")
        if name.strip() == "gzip":
            quality, _equals, value = weight.partition("=")
            return quality.strip() != "q" or value.strip().strip("0.") != ""
    return False
