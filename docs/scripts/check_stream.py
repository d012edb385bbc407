"""Checks that a stream of events has arrived whole: python check_stream.py FILE...   (or - for standard input)

Reads what an Auditsite stream has sent, one JSON object a line, in the formats raw, flat, ECS or OCSF, the files in the
order in which they were written. Events that came twice are fine. Exit code 0: whole; 1: not; 2: not readable.
Needs Python 3.8 or newer, and nothing else.
"""

import fileinput
import json
import sys

# Where each format has the account, the sequence number, the one sent before it, and the digest.
PLACES = (
    ("account", "sequence", "previous_sequence", "digest"),
    ("cloud.account.id", "event.sequence", "auditsite.previous_sequence", "auditsite.digest"),
    (
        "cloud.account.uid",
        "metadata.sequence",
        "unmapped.auditsite.previous_sequence",
        "unmapped.auditsite.digest",
    ),
)


def at(event, path):
    for name in path.split("."):
        event = event.get(name) if isinstance(event, dict) else None
    return event


def read(line):
    """Account, number, number before, digest; None for what is not an event of an account: a test, a finding."""
    event = json.loads(line)
    for places in PLACES:
        account, number, before, digest = (at(event, place) for place in places)
        if account and number:
            return str(account), int(number), int(before or 0), digest
    return None


def main(lines):
    seen = {}  # account -> number -> digest
    last = {}  # account -> the number that came last
    twice, problems = 0, []
    for line in lines:
        if not line.strip():
            continue
        found = read(line)
        if found is None:
            continue
        account, number, before, digest = found
        numbers = seen.setdefault(account, {})
        if number in numbers:
            twice += 1
            if numbers[number] != digest:
                problems.append(f"{account}: two different events have number {number}")
            continue
        if before and before not in numbers:
            problems.append(f"{account}: number {before} is missing before {number}")
        if before and number < last.get(account, 0):  # without one before it, the stream began again from further back
            problems.append(f"{account}: number {number} came after {last[account]}")
        numbers[number] = digest
        last[account] = number
    for problem in problems:
        print(problem)
    for account in sorted(seen):
        newest = max(seen[account])
        print(f"{account}: {len(seen[account])} events, the last one number {newest}")
        print(f"  its digest, to compare with the event's page: {seen[account][newest]}")
    print(f"{twice} came more than once. " + ("Not whole." if problems else "Whole."))
    return 1 if problems else 0


if __name__ == "__main__":
    try:
        with fileinput.input(openhook=fileinput.hook_encoded("utf-8")) as lines:
            sys.exit(main(lines))
    except (OSError, ValueError) as error:
        print(f"Cannot be read: {error}", file=sys.stderr)
        sys.exit(2)
