"""Whether a value has the shape that a JSON Schema of ours says: the few words that our schemas use."""

from __future__ import annotations

from typing import Any

_TYPES: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "integer": int,
    "boolean": bool,
    "array": list,
    "object": dict,
    "null": type(None),
}


def mismatches(value: Any, schema: dict[str, Any], document: dict[str, Any], at: str = "$") -> list[str]:
    """What is wrong with a value, a sentence each. Members that are not described are wrong, but for those of objects
    that may have any."""
    if "$ref" in schema:
        return mismatches(value, document["components"]["schemas"][schema["$ref"].rpartition("/")[2]], document, at)
    types = schema.get("type", list(_TYPES))
    types = [types] if isinstance(types, str) else types
    if not any(isinstance(value, _TYPES[name]) and not (name == "integer" and value is True) for name in types):
        return [f"{at}: {value!r} is no {' or '.join(types)}"]
    if "enum" in schema and value not in schema["enum"]:
        return [f"{at}: {value!r} is none of {schema['enum']}"]
    wrong: list[str] = []
    if isinstance(value, dict) and "properties" in schema:
        known = schema["properties"]
        wrong += [f"{at}.{name} is missing" for name in schema.get("required", ()) if name not in value]
        if not schema.get("additionalProperties"):
            wrong += [f"{at}.{name} is not described" for name in value if name not in known]
        for name, member in value.items():
            if name in known:
                wrong += mismatches(member, known[name], document, f"{at}.{name}")
    if isinstance(value, list) and "items" in schema:
        for number, item in enumerate(value):
            wrong += mismatches(item, schema["items"], document, f"{at}[{number}]")
    return wrong
