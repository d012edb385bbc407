"""Hiding what is sensitive in events: passwords and tokens in webhook addresses, and values that are called secrets.

Everything shown, sent or searched passes here, but the event as received for those who may see it whole; the archive
keeps it whole. What is hidden: users and passwords in addresses, parameters called like credentials, parts of paths
and parameters that look random, values under names such as apiSecret or password (`secret_names`), credentials of
HTTP, web tokens and private keys.
"""

from events.masking.json_texts import mask_json, mask_jsons, mask_valid_json, with_valid_numbers
from events.masking.texts import MASK, mask, may_hide
from events.masking.values import both, for_reader, named_value, shown, shown_value

__all__ = [
    "MASK",
    "both",
    "for_reader",
    "mask",
    "mask_json",
    "mask_jsons",
    "mask_valid_json",
    "may_hide",
    "named_value",
    "shown",
    "shown_value",
    "with_valid_numbers",
]
