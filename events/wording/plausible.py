"""Times that an event can plausibly have."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils import timezone

# Nexmo's times carry no zone, so that one read in another zone may lie hours ahead.
MARGIN = timedelta(days=1)


def latest_plausible() -> datetime:
    """Events dated later than this are dated in the future: told as odd, and in no period that ends now."""
    return timezone.now() + MARGIN
