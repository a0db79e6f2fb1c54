"""The sizes of pages with which a list is read: three pages or more, and one key on the last page."""

from __future__ import annotations

import pytest

from kms_conformance.suite.test_pending_use import _page_sizes


@pytest.mark.parametrize("keys", range(4, 60))
def test_a_short_list_has_three_pages_and_one_key_on_the_last_page(keys: int) -> None:
    sizes = _page_sizes(keys, 100)
    assert any(keys % size == 1 or size == 1 for size in sizes)
    assert any(-(-keys // size) >= 3 for size in sizes)


@pytest.mark.parametrize("keys", [1, 2, 3, *range(60, 3000, 7)])
def test_a_list_needs_few_requests(keys: int) -> None:
    sizes = _page_sizes(keys, 100)
    fewest = max(3, -(-keys // 100))
    assert 1 <= len(sizes) <= 2
    assert sum(-(-keys // size) for size in sizes) <= 3 * fewest + 4
