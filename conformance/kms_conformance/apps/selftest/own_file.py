"""Loads a user's file of faults and variants, and checks it before the first run."""

from __future__ import annotations

import importlib.util
import sys
import traceback
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TypeVar, get_args

from kms_conformance.apps.selftest.deviation import Fault, Severity, Variant
from kms_conformance.catalogue.families import FAMILIES
from kms_conformance.catalogue.requirements import Catalogue
from kms_conformance.core import specs
from kms_conformance.core.errors import ExplainedMistake
from kms_conformance.core.spelling import did_you_mean, near
from kms_conformance.core.tier import TIERS
from kms_conformance.emulator import Decisions
from kms_conformance.emulator.service import emulated

T = TypeVar("T")

_PAGE = "docs/your-own-faults.md shows a whole file."
_MODULE = "kms_conformance_own_faults"


class OwnFileMistake(ExplainedMistake):
    """A file of own faults that cannot be used."""


@dataclass(frozen=True)
class OwnFile:
    """The faults and variants of one file."""

    faults: tuple[Fault, ...]
    variants: tuple[Variant, ...]

    def fault(self, name: str) -> Fault:
        """The fault of this name."""
        return next(fault for fault in self.faults if fault.name == name)

    def variant(self, name: str) -> Variant:
        """The variant of this name."""
        return next(variant for variant in self.variants if variant.name == name)


@cache
def load_own(path: Path) -> OwnFile:
    """Run a file and take its `FAULTS` and `VARIANTS`. Cached: forked processes see the same objects.

    Raises `OwnFileMistake` for a file that cannot be read or run, has neither name, or has an entry that is not usable.
    """
    module = _run(path)
    if not hasattr(module, "FAULTS") and not hasattr(module, "VARIANTS"):
        raise OwnFileMistake(
            f"{path} has neither FAULTS nor VARIANTS.",
            "The self-test takes the faults from the module-level tuple FAULTS, and variants from VARIANTS.",
            f"Add a line such as FAULTS = (Fault(name=..., title=...),). {_PAGE}",
        )
    own = OwnFile(
        tuple(_entries(path, "FAULTS", getattr(module, "FAULTS", ()), Fault)),
        tuple(_entries(path, "VARIANTS", getattr(module, "VARIANTS", ()), Variant)),
    )
    if not own.faults and not own.variants:
        raise OwnFileMistake(
            f"{path} has no fault and no variant.",
            "Its FAULTS and VARIANTS are empty, so there is nothing to try.",
            f"Add a Fault to FAULTS. {_PAGE}",
        )
    _check_names(path, own)
    for fault in own.faults:
        _check_common(path, fault)
        _check_fault(path, fault)
    for variant in own.variants:
        _check_common(path, variant)
    return own


def _run(path: Path) -> object:
    try:
        source = path.read_bytes()
    except OSError as error:
        raise OwnFileMistake(
            f"{path} cannot be read.", f"{error.strerror or error}.", "Give the path of a Python file to --faults."
        ) from error
    try:
        code = compile(source, str(path), "exec")
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None)
        raise OwnFileMistake(
            f"{path} is no Python of this version.",
            f"{getattr(error, 'msg', error)}{f' in line {line}' if line else ''}.",
            "Mend the line; `python FILE` shows the same error.",
        ) from error
    spec = importlib.util.spec_from_loader(_MODULE, loader=None)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    module.__file__ = str(path)
    # Dataclasses look for the module of their class here.
    sys.modules[_MODULE] = module
    # Last, so that no file beside it replaces a library.
    sys.path.append(str(path.resolve().parent))
    try:
        exec(code, module.__dict__)  # noqa: S102 - the user's own file, which the user asked to run
    except (Exception, SystemExit) as error:
        raise OwnFileMistake(
            f"{path} fails when it is run.",
            f"{type(error).__name__}: {error}{_place(path, error)}.",
            "Mend the file; `python FILE` shows the same error.",
        ) from error
    return module


def _place(path: Path, error: BaseException) -> str:
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    return f", in line {lines[-1]}" if lines else ""


def _entries(path: Path, name: str, value: object, kind: type[T]) -> Iterator[T]:
    if isinstance(value, kind):
        raise OwnFileMistake(
            f"{name} in {path} is one {kind.__name__}, not several.",
            f"{name} must be a tuple or list.",
            f"Write a comma behind it: {name} = ({kind.__name__}(...),).",
        )
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise OwnFileMistake(
            f"{name} in {path} is of the type {type(value).__name__}.",
            f"{name} must be a tuple or list of {kind.__name__} objects.",
            f"Write {name} = ({kind.__name__}(...),). {_PAGE}",
        )
    for number, entry in enumerate(value, 1):
        if not isinstance(entry, kind):
            made = "a class" if isinstance(entry, type) else f"of the type {type(entry).__name__}"
            raise OwnFileMistake(
                f"Entry {number} of {name} in {path} is {made}.",
                f"Every entry of {name} must be a {kind.__name__} object.",
                f"Make it with {kind.__name__}(name=..., title=..., decisions=(...,)). {_PAGE}",
            )
        yield entry


def _check_names(path: Path, own: OwnFile) -> None:
    seen: set[str] = set()
    subjects: tuple[Fault | Variant, ...] = (*own.faults, *own.variants)
    for subject in subjects:
        _demand(
            path,
            subject,
            isinstance(subject.name, str) and subject.name.strip() != "",
            "name",
            "a text that is not empty",
        )
        if subject.name in seen:
            raise OwnFileMistake(
                f"Two entries in {path} have the name {subject.name!r}.",
                "The name tells trials apart, also those of one fault in several dialects.",
                "Give one of them another name, or join them and list their dialects in `dialects`.",
            )
        seen.add(subject.name)


def _check_common(path: Path, subject: Fault | Variant) -> None:
    """Check the fields that faults and variants share."""
    _demand(path, subject, isinstance(subject.title, str), "title", "a text")
    _check_each(path, subject, "dialects", specs.emulated())
    _demand(path, subject, bool(subject.dialects), "dialects", "a tuple of at least one dialect")
    _check_each(path, subject, "families", FAMILIES)
    _demand(
        path,
        subject,
        _all(subject.decisions, lambda one: isinstance(one, type) and issubclass(one, Decisions)),
        "decisions",
        "a tuple of subclasses of Decisions, each as the class itself and not an object of it",
    )
    _demand(
        path,
        subject,
        _all(subject.filters, callable),
        "filters",
        "a tuple of functions (inbound, outbound) -> outbound",
    )
    is_count = isinstance(subject.foreign_keys, int) and subject.foreign_keys >= 0
    _demand(path, subject, is_count, "foreign_keys", "a whole number from 0 on")
    try:
        type("Deviating", subject.decisions or (Decisions,), {})
    except TypeError as error:
        raise OwnFileMistake(
            f"The decisions of {subject.name!r} in {path} cannot be combined.",
            f"Python says: {error}.",
            "Name each class once, and a subclass before its base.",
        ) from error
    for dialect in subject.dialects:
        _known(path, subject, "profile", subject.profile, specs.profile_names(dialect), f" of {dialect}")
        if subject.auth is not None:
            kinds = tuple(emulated(dialect).seed.auth("http://127.0.0.1"))
            _known(path, subject, "auth", subject.auth, kinds, f" of {dialect}")


def _check_fault(path: Path, fault: Fault) -> None:
    _known(path, fault, "severity", fault.severity, get_args(Severity))
    _known(path, fault, "tier", fault.tier, TIERS)
    catalogues = {dialect: Catalogue.load(dialect).requirements for dialect in fault.dialects}
    ids = sorted({name for catalogue in catalogues.values() for name in catalogue})
    _check_each(path, fault, "requirements", ids)
    for dialect, catalogue in catalogues.items():
        if fault.requirements and not set(fault.requirements) & set(catalogue):
            raise OwnFileMistake(
                f"{fault.name!r} in {path} can never be found in {dialect}.",
                f"{dialect} has none of its requirements: {', '.join(sorted(fault.requirements))}.",
                f"Leave {dialect} out of `dialects`, or name a requirement that `kms-conformance requirements` lists.",
            )


def _check_each(path: Path, subject: Fault | Variant, field: str, known: Collection[str]) -> None:
    values = getattr(subject, field)
    _demand(
        path, subject, _all(values, lambda one: isinstance(one, str)), field, "a tuple of texts; one text needs a comma"
    )
    for value in values:
        _known(path, subject, field, value, known)


def _known(
    path: Path, subject: Fault | Variant, field: str, value: object, known: Collection[str], whose: str = ""
) -> None:
    if value in known:
        return
    many = len(known) > 30
    advice = did_you_mean(near(str(value), known), "" if many else f"Known: {', '.join(known)}.")
    listed = "`kms-conformance requirements` lists all of them." if many else ""
    raise OwnFileMistake(
        f"{subject.name!r} in {path} has {value!r} in its `{field}`.",
        f"The self-test knows no such entry of `{field}`{whose}.",
        " ".join(filter(None, (advice, listed))),
    )


def _demand(path: Path, subject: Fault | Variant, holds: bool, field: str, wanted: str) -> None:  # noqa: FBT001 - only called above
    if holds:
        return
    value = getattr(subject, field)
    raise OwnFileMistake(
        f"{subject.name!r} in {path} has a `{field}` that is not usable: {value!r}.",
        f"`{field}` must be {wanted}.",
        f"Change it in the file. {_PAGE}",
    )


def _all(values: object, fits: Callable[[object], bool]) -> bool:
    return isinstance(values, tuple | list | frozenset | set) and all(map(fits, values))
