"""TypeScript types of every request, answer and error, written from the OpenAPI document (`serving/client.d.ts`)."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

HEAD = "// Types of gpmcast's API. Written by `python -m serving typescript` from the OpenAPI document; do not edit."
PLAIN = {"string": "string", "number": "number", "integer": "number", "boolean": "boolean", "null": "null"}
Shape = Mapping[str, Any]


def typescript(document: Shape) -> str:
    """A declaration file.

    Args:
        document: OpenAPI 3.1.
    """
    lines = [HEAD]
    for name, shape in document["components"]["schemas"].items():
        lines += ["", *_comment(shape, "")]
        if "properties" in shape:
            lines += [f"export interface {name} {{", *_fields(shape, "  "), "}"]
        else:
            lines += [f"export type {name} = {_type(shape)};"]
    lines += [
        "",
        "/** Path → what is sent and what comes back; errors are an ErrorAnswer. */",
        "export interface Paths {",
    ]
    for path, item in document["paths"].items():
        lines += [f"  {json.dumps(path)}: {operation};" for operation in _operation(item)]
    return "\n".join([*lines, "}", ""])


def _operation(item: Shape) -> Iterator[str]:
    (method, operation), *_ = item.items()
    parts = [f'method: "{method.upper()}"']
    if body := operation.get("requestBody", {}).get("content"):
        parts.append(f"body: {_body(body)}")
    if query := [parameter for parameter in operation.get("parameters", ()) if parameter["in"] == "query"]:
        parts.append("query: { " + "; ".join(f"{one['name']}?: {_type(one['schema'])}" for one in query) + " }")
    parts.append(f"answer: {_body(operation['responses']['200']['content'])}")
    yield "{ " + "; ".join(parts) + " }"


def _body(content: Shape) -> str:
    described = next(iter(content.values()))
    return "Blob" if described["schema"].get("format") == "binary" else _type(described["schema"])


def _fields(shape: Shape, indent: str) -> Iterator[str]:
    needed = shape.get("required", ())
    for name, field in shape["properties"].items():
        yield from _comment(field, indent)
        key = name if name.isidentifier() else json.dumps(name, ensure_ascii=False)
        yield f"{indent}{key}{'' if name in needed else '?'}: {_type(field)};"


def _comment(shape: Shape, indent: str) -> Iterator[str]:
    about = " ".join(str(shape.get("description", "")).split()).replace("*/", "* /")
    bounds = [f"{name} {shape[name]}" for name in ("minimum", "maximum", "maxLength", "maxItems") if name in shape]
    if text := " ".join([about, *([f"[{', '.join(bounds)}]"] if bounds else [])]).strip():
        yield f"{indent}/** {text} */"


def _type(shape: Shape) -> str:
    if "$ref" in shape:
        return str(shape["$ref"]).rpartition("/")[2]
    if "enum" in shape or "const" in shape:
        return " | ".join(json.dumps(value, ensure_ascii=False) for value in shape.get("enum", [shape.get("const")]))
    if "anyOf" in shape:
        return " | ".join(dict.fromkeys(_type(part) for part in shape["anyOf"]))
    if shape.get("type") == "array":
        if "prefixItems" in shape:
            return f"[{', '.join(_type(part) for part in shape['prefixItems'])}]"
        inner = _type(shape.get("items", {}))
        return f"({inner})[]" if " | " in inner else f"{inner}[]"
    if shape.get("type") == "object":
        values = shape.get("additionalProperties")
        return f"Record<string, {_type(values) if isinstance(values, Mapping) else 'unknown'}>"
    return PLAIN.get(str(shape.get("type")), "unknown")
