"""The page on the minimum emulator is the one that the specs give."""

from __future__ import annotations

from tools import minimum_emulator


def test_the_page_is_up_to_date() -> None:
    assert minimum_emulator.PAGE.read_text(encoding="utf-8") == minimum_emulator.page(), (
        "Write it again: python -m tools.minimum_emulator"
    )


def test_each_dialect_names_the_operations_of_the_lifecycle_and_its_refusals() -> None:
    page = minimum_emulator.page()
    for operation in ("cancel-key-deletion", "CancelKeyDeletion"):
        assert f"| `{operation}` |" in page
    for refusal in ("400 KMS.1501", "404 Forbidden.KeyNotFound", "400 KMSInvalidStateException"):
        assert refusal in page
