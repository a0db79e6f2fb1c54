"""Scripts of drawn failures: each shows its failure at the faulty emulator, and none at the emulator without it.

`tox run -e scripts` draws 20; three are enough for each change.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from faulty_runs import Drawn, carry_out, drawn, failures, run

from kms_conformance.apps.replay.find import FoundFailure
from kms_conformance.apps.replay.script import script, shell_script
from kms_conformance.emulator import Decisions, Emulator
from kms_conformance.report.files import ReportError

SEED = int(os.environ.get("KMS_CONFORMANCE_SCRIPTS_SEED", "20261130"))
COUNT = int(os.environ.get("KMS_CONFORMANCE_SCRIPTS", "3"))


@pytest.mark.parametrize("cases", drawn(COUNT, SEED), ids=lambda cases: str(cases[0]))
def test_a_drawn_failure_is_reproduced_and_a_repaired_endpoint_is_not_accused(
    cases: tuple[Drawn, ...], tmp_path: Path
) -> None:
    case, reports, found = next(_with_cited_failures(cases, tmp_path))
    fault, dialect = case.fault, case.dialect
    chosen = random.Random(f"{SEED} {case}").choice(found)  # noqa: S311 - a sample
    paths = [tmp_path / "reproduce.py"]
    paths[0].write_text(script(reports, chosen, paths[0].name), encoding="utf-8")
    # What a shell cannot do is refused; `test_shell_script.py` says what.
    with suppress(ReportError):
        text = shell_script(reports, chosen, "reproduce.sh")
        paths.append(tmp_path / "reproduce.sh")
        paths[1].write_text(text, encoding="utf-8")
    decisions = type("Faulty", tuple(fault.decisions) or (Decisions,), {})
    faulty = Emulator(
        dialect, profile=fault.profile, decisions=decisions, filters=fault.filters, foreign_keys=fault.foreign_keys
    )
    sound = Emulator(dialect, profile=fault.profile, foreign_keys=fault.foreign_keys)
    for emulator, expected in ((faulty, 1), (sound, 0)):
        with emulator:
            for path in paths:
                before = {key.id for key in emulator.store.keys}
                code, said = carry_out(path, emulator.target_yaml(fault.auth))
                assert code == expected, f"{path.name} {chosen.check.check}\n{said}"
                left = [key for key in emulator.store.keys if key.id not in before]
                assert {key.state.value for key in left} <= {"pending_deletion"}, said
                assert f'File "{path}"' not in said


def _with_cited_failures(cases: tuple[Drawn, ...], folder: Path) -> Iterator[tuple[Drawn, Path, list[FoundFailure]]]:
    """The cases that have failures with exchanges, with the reports of their runs, and these failures."""
    for number, case in enumerate(cases):
        with case.fault.serving(case.dialect)() as target:
            reports = run(folder / str(number), target, case.fault.arguments())
        cited = [each for each in failures(reports) if _has_script(reports, each)]
        # The failures for which the fault is there, if it has any.
        found = [each for each in cited if each.failure.requirement in case.fault.requirements] or cited
        if found:
            yield case, reports, found


def _has_script(reports: Path, found: FoundFailure) -> bool:
    """Whether a script is written; the reasons why none is are told by the command and tested in `test_script.py`."""
    try:
        script(reports, found, "x.py")
    except ReportError:
        return False
    return True
