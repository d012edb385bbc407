"""`manage.py rotate_credential_keys`: encrypt every stored secret with the first of CREDENTIAL_KEYS."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Any, cast

from django.core.management.base import CommandError

from accounts import rotation
from accounts.access.command import LoggedCommand
from accounts.access.words import Kind
from accounts.encryption import key_ids
from accounts.unseen import printable
from events.management.progress import counting

if TYPE_CHECKING:
    from django.core.management.base import CommandParser


class Command(LoggedCommand):
    help = (
        "Re-encrypts everything encrypted with CREDENTIAL_KEYS (API secrets, second factors, channels, streams) with "
        "the first of them. Put the new key first, keep the old one behind it, run this, then remove the old key. "
        "It can be interrupted and run again."
    )
    about = Kind.ACCOUNT
    told_options = ("count",)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--count", action="store_true", help="Only say how many values are under each key; change nothing."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        before = rotation.standing()
        if not options["count"]:
            self._rotate(before.waiting)
        after = before if options["count"] else rotation.standing()
        for line in in_words(after):
            self.stdout.write(line)
        if after.unreadable:
            raise CommandError(
                f"No key opens what is stored in: {printable(', '.join(after.unreadable))}. It was left as it is. "
                "Add the key it was stored with to CREDENTIAL_KEYS, or enter these secrets again."
            )

    def _rotate(self, waiting: int) -> None:
        done = 0
        try:
            with counting(cast("IO[str]", self.stderr._out), "Re-encrypting", waiting) as show:
                for moved in rotation.rotate():
                    done += moved
                    show(moved)
        except KeyboardInterrupt:
            raise CommandError(
                f"Interrupted: {done:,} value(s) were re-encrypted, the others are as they were. Run it again to go on."
            ) from None
        self.stdout.write(f"{done:,} value(s) re-encrypted.")


def in_words(told: rotation.Standing) -> list[str]:
    """A line for each key, those of CREDENTIAL_KEYS first."""
    keys = key_ids()
    lines = [
        f"Key {key} ({f'number {place}' if place > 1 else 'first'} of CREDENTIAL_KEYS): {told.by_key[key]:,} value(s)."
        for place, key in enumerate(keys, start=1)
    ]
    unknown = {key: count for key, count in told.by_key.items() if key not in keys}
    lines += [
        f"{f'Key {printable(key)}' if key else 'An unknown key'} (not in CREDENTIAL_KEYS): {count:,} value(s)."
        for key, count in sorted(unknown.items())
    ]
    if told.waiting:
        lines.append(f"{told.waiting:,} value(s) are not yet under the first key as this version writes them.")
    elif not unknown and len(keys) > 1:
        lines.append("All are under the first key: the others can be taken out of CREDENTIAL_KEYS.")
    return lines
