"""The picture of the architecture is the one that the import rule and the packages' docstrings give."""

from __future__ import annotations

from tools import architecture


def test_the_picture_is_up_to_date() -> None:
    assert architecture.PICTURE.read_text(encoding="utf-8") == architecture.picture(), (
        "Draw it again: python -m tools.architecture"
    )


def test_every_room_says_its_role_in_two_lines() -> None:
    shown = architecture.picture()
    for name in (name for layer in architecture.layers() for name in layer):
        assert f">{name}</text>" in shown
        assert architecture.room(name).role.endswith(".")
