"""Lists in small pages, whatever page the caller asks for: all services may give fewer keys than that."""

from __future__ import annotations

from typing import Any

from kms_conformance.apps.selftest.reply_mutations import saying
from kms_conformance.emulator import Filter, Inbound, Outbound


def small_pages(size: int) -> Filter:
    """Cut every list into pages of `size` keys."""
    all_keys: list[Any] = []

    def cut(inbound: Inbound, outbound: Outbound) -> Outbound:
        if inbound.operation != "list" or outbound.refusal is not None:
            return outbound
        if "keys" in outbound.value:
            return saying(lambda value: _huawei(value, int(inbound.parameters.get("marker", 0)), size))(outbound)
        if isinstance(outbound.value["Keys"], list):
            return saying(lambda value: _aws(value, int(inbound.parameters.get("Marker", 0)), size))(outbound)
        page = int(inbound.parameters.get("PageNumber", 1))
        if int(inbound.parameters.get("PageSize", 10)) <= size:
            return outbound
        if page == 1:
            # The emulator's own pages hold 100, so that all later ones are cut from its first.
            all_keys[:] = outbound.value["Keys"]["Key"]
        return saying(lambda value: _alibaba(value, all_keys, page, size))(outbound)

    return cut


def _huawei(value: dict[str, Any], marker: int, size: int) -> dict[str, Any]:
    more = len(value["keys"]) > size or value["truncated"] == "true"
    return {
        **value,
        "keys": value["keys"][:size],
        "key_details": value["key_details"][:size],
        "truncated": "true" if more else "false",
        "next_marker": str(marker + size) if more else "",
    }


def _aws(value: dict[str, Any], marker: int, size: int) -> dict[str, Any]:
    if len(value["Keys"]) <= size:
        return value
    return {**value, "Keys": value["Keys"][:size], "Truncated": True, "NextMarker": str(marker + size)}


def _alibaba(value: dict[str, Any], all_keys: list[Any], page: int, size: int) -> dict[str, Any]:
    keys = all_keys[(page - 1) * size : page * size]
    return {**value, "Keys": {"Key": keys}, "PageSize": size, "PageNumber": page, "TotalCount": len(all_keys)}
