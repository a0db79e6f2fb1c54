"""Translates an RPC spec (the vendor's API-metadata format) into OpenAPI 3.1, which the fuzzer and validators read."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

_NOT_JSON_SCHEMA = frozenset({"required", "example", "docRequired"})
"""Keywords of the vendor's schemas that JSON Schema lacks, at least in this form.

`required` is moved to the place where OpenAPI expects it; the others are dropped.
"""

_NUMBERS = frozenset({"minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems", "maxProperties"})
"""Keywords for bounds. The vendor's metadata writes the values of some of them as text."""


def compile_rpc(document: Mapping[str, Any]) -> dict[str, Any]:
    """The OpenAPI 3.1 document of an RPC spec; `document` must be valid by `schemas/rpc.schema.json`.

    An RPC service has one path, and the action is a parameter. OpenAPI identifies operations by path, so an action
    becomes the path `/<Action>` in this document only: adapters send requests to `/` with the action of
    `x-kms-action`. GET and POST have the same result, with parameters in the query. Therefore each path has a single
    operation, `post`, and `x-kms-methods` lists the methods that the spec allows.

    Servers and security are absent, because the target file has the URL and signers add credentials. The result shares
    no object with `document`.
    """
    info = document["info"]
    return {
        "openapi": "3.1.0",
        "info": {"title": f"{info['product']} ({info['style']})", "version": info["version"]},
        "paths": {f"/{action}": {"post": _operation(action, document)} for action in document["apis"]},
        "components": {
            "schemas": {name: _schema(schema) for name, schema in document["components"]["schemas"].items()}
        },
    }


def _operation(action: str, document: Mapping[str, Any]) -> dict[str, Any]:
    api = document["apis"][action]
    return {
        "operationId": action,
        "summary": api["summary"],
        "x-kms-action": action,
        "x-kms-operation": api["x-kms-operation"],
        "x-kms-methods": list(api["methods"]),
        **({"x-kms-reads": True} if api.get("x-kms-reads") else {}),
        **({"x-kms-beside": True} if api.get("x-kms-beside") else {}),
        "parameters": [_parameter(parameter) for parameter in api.get("parameters", ())],
        "responses": _successes(api) | _errors(api, document),
    }


def _parameter(parameter: Mapping[str, Any]) -> dict[str, Any]:
    source = parameter["schema"]
    result = {"name": parameter["name"], "in": parameter["in"], "required": source.get("required", False)}
    schema = _schema(source)
    return result | ({"content": _json(schema)} if parameter.get("style") == "json" else {"schema": schema})


def _successes(api: Mapping[str, Any]) -> dict[str, Any]:
    links = {
        target: {"operationId": target, "parameters": {f"query.{name}": where for name, where in parameters.items()}}
        for target, parameters in api.get("x-links", {}).items()
    }
    return {
        status: {"description": api["summary"], "content": _json(_schema(reply["schema"]))}
        | ({"links": links} if links else {})
        for status, reply in api["responses"].items()
    }


def _errors(api: Mapping[str, Any], document: Mapping[str, Any]) -> dict[str, Any]:
    own, common = api.get("errorCodes", {}), document["x-common-errors"]
    result = {}
    for status in sorted({*own, *common}):
        # dict.fromkeys removes duplicates: an action's own page may repeat a common code.
        codes = list(dict.fromkeys(row["errorCode"] for table in (own, common) for row in table.get(status, ())))
        result[status] = {
            "description": ", ".join(codes),
            "content": _json({"$ref": document["x-error-schema"]}),
            "x-kms-codes": codes,
        }
    return result


def _json(schema: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}


def _schema(source: Mapping[str, Any]) -> dict[str, Any]:
    result = {key: _keyword(key, value) for key, value in source.items() if key not in _NOT_JSON_SCHEMA}
    required = [name for name, schema in source.get("properties", {}).items() if schema.get("required")]
    return result | ({"required": required} if required else {})


def _keyword(key: str, value: Any) -> Any:  # noqa: ANN401 - a keyword's value is any JSON
    if key == "properties":
        return {name: _schema(schema) for name, schema in value.items()}
    if key in {"items", "additionalProperties", "propertyNames"} and isinstance(value, Mapping):
        return _schema(value)
    if key in _NUMBERS:
        return int(value)
    return deepcopy(value)
