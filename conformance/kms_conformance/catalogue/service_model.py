"""Translates an AWS service model, as botocore ships it, into OpenAPI 3.1, which the fuzzer and validators read.

The model has the operations and the types of their fields. An overlay (`specs/aws/model.yaml`) adds the rest: the
operations to test, the fields that a reply always has, and the formats of values.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import deepcopy
from typing import Any

_BASE64 = "^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$"
_TYPES = {"string": "string", "integer": "integer", "long": "integer", "boolean": "boolean"}
# JSON Schema keywords of a model's `min` and `max`, by type of shape.
_BOUNDS = {
    "string": ("minLength", "maxLength"),
    "integer": ("minimum", "maximum"),
    "long": ("minimum", "maximum"),
    "list": ("minItems", "maxItems"),
    "map": ("minProperties", "maxProperties"),
}
# Replies of operations without output. The API reference says: "If the action is successful, the service sends back an
# HTTP 200 response with an empty HTTP body". The specification of the protocol also allows `{}`, and clients read both.
_NOTHING: Mapping[str, Any] = {"type": ["null", "object"]}


def compile_model(overlay: Mapping[str, Any]) -> dict[str, Any]:
    """The OpenAPI 3.1 document of a service model and its overlay.

    In this protocol every request is a POST to `/` with the operation in a header. OpenAPI identifies operations by
    path, so an operation becomes the path `/<Operation>` in this document only: adapters send requests to `/` with the
    name in `X-Amz-Target`. The document has only the operations that the overlay lists. Its schemas contain no
    references, and the result shares no object with `overlay`.
    """
    model = _model(overlay["service"], overlay["version"])
    translator = _Translator(model, overlay)
    return {
        "openapi": "3.1.0",
        "info": {"title": model["metadata"]["serviceFullName"], "version": overlay["version"]},
        "paths": {f"/{name}": {"post": translator.operation(name)} for name in overlay["operations"]},
        "components": {"schemas": {}},
    }


def _model(service: str, version: str) -> dict[str, Any]:
    # Imported late: only this dialect needs botocore, and the import takes half a second.
    from botocore.loaders import Loader  # noqa: PLC0415

    # Read only the models that botocore ships: a user's own model in ~/.aws/models must not change a verdict.
    loader = Loader(extra_search_paths=[Loader.BUILTIN_DATA_PATH], include_default_search_paths=False)
    found: dict[str, Any] = loader.load_service_model(service, "service-2", version)
    return found


class _Translator:
    def __init__(self, model: Mapping[str, Any], overlay: Mapping[str, Any]) -> None:
        self._shapes = model["shapes"]
        self._operations = model["operations"]
        self._overlay = overlay
        self._media_type = f"application/x-amz-json-{model['metadata']['jsonVersion']}"

    def operation(self, name: str) -> dict[str, Any]:
        """The OpenAPI object of one operation: its request, its successful reply, and its errors by status."""
        raw, ours = self._operations[name], self._overlay["operations"][name]
        links = {
            target: {"operationId": target, "requestBody": dict(fields)}
            for target, fields in ours.get("links", {}).items()
        }
        output = self._schema(raw["output"]["shape"], sent=False) if "output" in raw else deepcopy(dict(_NOTHING))
        success = {"description": ours["summary"], "content": self._json(output)}
        return {
            "operationId": name,
            "summary": ours["summary"],
            **{key: value for key, value in ours.items() if key.startswith("x-")},
            "requestBody": {"required": True, "content": self._json(self._schema(raw["input"]["shape"], sent=True))},
            "responses": {"200": success | ({"links": links} if links else {})} | self._errors(raw.get("errors", ())),
        }

    def _errors(self, declared: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
        codes: dict[str, list[str]] = {status: list(names) for status, names in self._overlay["common_errors"].items()}
        for error in declared:
            status = "500" if self._shapes[error["shape"]].get("fault") else "400"
            codes[status] = [error["shape"], *codes.get(status, ())]
        return {
            status: {
                "description": ", ".join(dict.fromkeys(names)),
                "content": self._json(deepcopy(self._overlay["error"])),
                "x-kms-codes": list(dict.fromkeys(names)),
            }
            for status, names in sorted(codes.items())
        }

    def _json(self, schema: Mapping[str, Any]) -> dict[str, Any]:
        return {self._media_type: {"schema": schema}}

    def _schema(self, name: str, *, sent: bool) -> dict[str, Any]:
        """The JSON Schema of a shape, merged with the overlay.

        `sent` is true for schemas of requests. Schemas of replies have no patterns, no bounds of numbers, and nothing
        from overlay entries with `x-kms-lenient`: a service that accepts more than it documents may also return such
        values.
        """
        ours = dict(self._overlay["shapes"].get(name, {}))
        if "x-kms-lenient" in ours and not sent:
            ours = {}
        without = ours.pop("without", ())
        schema = _merged(self._translated(self._shapes[name], without, sent=sent), ours)
        return (
            schema if sent or "properties" not in schema else schema | {"properties": _nullable(schema["properties"])}
        )

    def _translated(self, shape: Mapping[str, Any], without: Iterable[str], *, sent: bool) -> dict[str, Any]:
        match shape["type"]:
            case "structure":
                members = {name: each for name, each in shape["members"].items() if name not in without}
                properties = {name: self._schema(each["shape"], sent=sent) for name, each in members.items()}
                required = [name for name in shape.get("required", ()) if name in members]
                return {"type": "object", "properties": properties} | ({"required": required} if required else {})
            case "list":
                return {"type": "array", "items": self._schema(shape["member"]["shape"], sent=sent), **_bounds(shape)}
            case "map":
                values = self._schema(shape["value"]["shape"], sent=sent)
                return {"type": "object", "additionalProperties": values, **_bounds(shape)}
            case "blob":
                return {"type": "string", "pattern": _BASE64, "x-kms-form": "base64", **_encoded_bounds(shape)}
            case "timestamp":
                # Timestamps of JSON 1.1 are seconds since 1970, with or without a fraction.
                return {"type": "number", "x-kms-form": "seconds since 1970"}
            case kind:
                texts = {key: shape[key] for key in ("enum",) if key in shape}
                pattern = {"pattern": _anchored(shape["pattern"])} if "pattern" in shape and sent else {}
                bounds = {} if "enum" in shape or (kind != "string" and not sent) else _bounds(shape)
                return {"type": _TYPES[kind], **texts, **pattern, **bounds}


def _nullable(properties: Mapping[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The properties with null allowed for each: the protocol's clients treat null like an absent field."""
    return {
        name: schema
        | {"type": [schema["type"], "null"]}
        | ({"enum": [*schema["enum"], None]} if "enum" in schema else {})
        for name, schema in properties.items()
    }


def _anchored(pattern: str) -> str:
    """The pattern with anchors: patterns of the model apply to the whole text even without them."""
    return pattern if pattern.startswith("^") and pattern.endswith("$") else f"^(?:{pattern})$"


def _bounds(shape: Mapping[str, Any]) -> dict[str, int]:
    names = dict(zip(("min", "max"), _BOUNDS.get(shape["type"], ()), strict=False))
    return {keyword: shape[name] for name, keyword in names.items() if name in shape}


def _encoded_bounds(shape: Mapping[str, Any]) -> dict[str, int]:
    """Bounds of the model in bytes, converted to the length in Base64."""
    keywords = {"min": "minLength", "max": "maxLength"}
    return {keywords[name]: -(-shape[name] // 3) * 4 for name in keywords if name in shape}


def _merged(base: dict[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Merge two schemas: mappings are merged, lists and scalars are replaced by those of `over`."""
    result = dict(base)
    for key, value in over.items():
        known = base.get(key)
        both = isinstance(known, dict) and isinstance(value, Mapping)
        result[key] = _merged(known, value) if both else deepcopy(value)  # type: ignore[arg-type]  # `both` checks the types
    return result
