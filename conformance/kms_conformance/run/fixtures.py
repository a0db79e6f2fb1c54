"""The pytest fixture `kms_emulator`, for the tests of programs that use a key-management service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kms_conformance.emulator import Emulator

_OPTION = "--kms-emulator-dialect"
_INI = "kms_emulator_dialect"
_MARK = "kms_emulator(dialect, **options): the dialect of the fixture `kms_emulator`, and arguments of `Emulator`"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option and the setting with the dialect of the fixture."""
    known = "huawei, alibaba or aws"
    parser.getgroup("kms-emulator").addoption(
        _OPTION, default=None, metavar="DIALECT", help=f"what the fixture kms_emulator serves: {known}"
    )
    parser.addini(_INI, f"what the fixture kms_emulator serves: {known}", default=None)


def pytest_configure(config: pytest.Config) -> None:
    """Register the mark of the fixture."""
    config.addinivalue_line("markers", _MARK)


@pytest.fixture
def kms_emulator(request: pytest.FixtureRequest) -> Iterator[Emulator]:
    """An emulator that serves on a free port of 127.0.0.1 during one test; see `kms_conformance.emulator.Emulator`.

    The dialect is that of the mark `kms_emulator`, else of the option `--kms-emulator-dialect`, else of the setting
    `kms_emulator_dialect`. Further arguments of the mark are those of `Emulator`.
    """
    # Imported late, because every pytest session on a machine with this package loads this file.
    from kms_conformance.core import specs  # noqa: PLC0415
    from kms_conformance.emulator import Emulator  # noqa: PLC0415

    mark = request.node.get_closest_marker("kms_emulator")
    given: tuple[Any, ...] = mark.args if mark else ()
    options: dict[str, Any] = dict(mark.kwargs) if mark else {}
    dialect = options.pop("dialect", None) or (given[0] if given else None)
    dialect = dialect or request.config.getoption(_OPTION) or request.config.getini(_INI)
    if dialect not in specs.emulated():
        said = f"{dialect!r} is no dialect" if dialect else "no dialect is named"
        pytest.fail(
            f"The fixture kms_emulator cannot start: {said}. Known: {', '.join(specs.emulated())}. "
            f"Name one with @pytest.mark.kms_emulator, {_OPTION}, or the setting {_INI}.",
            pytrace=False,
        )
    with Emulator(dialect, **options) as emulator:
        yield emulator
