"""Foreign text for terminals, mails and logs: characters that hide or change what is seen are shown as codes."""

from __future__ import annotations

from accounts.unseen import printable

__all__ = ["printable"]
