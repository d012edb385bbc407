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


def mismatches(
    value: Any, schema: dict[str, Any], document: dict[str, Any], at: str = "$", *, strict: bool = True
) -> list[str]:
    """What is wrong with a value, a sentence each.

    Args:
        strict: members that are not described are wrong, but for those of objects that may have any.
    """
    schema = resolved(schema, document)
    types = schema.get("type", list(_TYPES))
    types = [types] if isinstance(types, str) else types
    if value is None and schema.get("nullable"):
        return []
    if not any(isinstance(value, _TYPES[name]) and not (name == "integer" and value is True) for name in types):
        return [f"{at}: {value!r} is no {' or '.join(types)}"]
    if "enum" in schema and value not in schema["enum"]:
        return [f"{at}: {value!r} is none of {schema['enum']}"]
    wrong: list[str] = []
    alternatives = schema.get("anyOf", ())
    if alternatives and all(mismatches(value, each, document, at, strict=strict) for each in alternatives):
        wrong.append(f"{at} has none of the shapes it may have")
    if isinstance(value, dict) and "properties" in schema:
        known = schema["properties"]
        wrong += [f"{at}.{name} is missing" for name in schema.get("required", ()) if name not in value]
        if strict and not schema.get("additionalProperties"):
            wrong += [f"{at}.{name} is not described" for name in value if name not in known]
        for name, member in value.items():
            if name in known:
                wrong += mismatches(member, known[name], document, f"{at}.{name}", strict=strict)
    if isinstance(value, list) and "items" in schema:
        for number, item in enumerate(value):
            wrong += mismatches(item, schema["items"], document, f"{at}[{number}]", strict=strict)
    return wrong


def resolved(schema: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    """A schema, or the one that it refers to."""
    while "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return schema
