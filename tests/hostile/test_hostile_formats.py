"""Files of our own forms, damaged and forged: every command that reads one ends in a sentence, and does nothing else.

200 cases while a change waits; `KMS_CONFORMANCE_HOSTILE=5000` makes 5,000, `KMS_CONFORMANCE_HOSTILE_SEED` draws others.
"""

from __future__ import annotations

import os
import resource
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from confined import Seen, command
from hostile_samples import Samples
from mutations import Drawn

from kms_conformance.apps.board.card import example
from kms_conformance.apps.certificate.pack import pack
from kms_conformance.report import layout
from kms_conformance.target import load_targets
from kms_conformance.verdict.waivers import load_waivers

CASES = int(os.environ.get("KMS_CONFORMANCE_HOSTILE", "200"))
SEED = int(os.environ.get("KMS_CONFORMANCE_HOSTILE_SEED", "1"))
_CONTROLS = {chr(code) for code in (*range(32), *range(0x7F, 0xA0), 0x202E)} - {"\n"}
_MOST_SAID = 20_000
#: What reads or writes reports in milliseconds has more of the cases than what judges a run again in a second.
Case = Callable[[Samples, Drawn, Path], tuple[Seen, tuple[int, ...]]]


def _file(drawn: Drawn, path: Path) -> None:
    name = path.name
    path.write_bytes(drawn.member(name, path.read_bytes()))
    drawn.said.insert(0, name)


def _one_in(drawn: Drawn, folder: Path, *names: str) -> None:
    _file(drawn, folder / drawn.one_of([name for name in names if (folder / name).is_file()]))


_READ = (layout.RESULTS, layout.RESULTS, layout.VERDICT, layout.VERDICT)


def verify(samples: Samples, drawn: Drawn, folder: Path) -> tuple[Seen, tuple[int, ...]]:
    data = samples.sealed.read_bytes()
    changed = drawn.archive(data, pack)
    (folder / "a.zip").write_bytes(changed)
    return command(folder, "verify", "a.zip"), (0, 1, 3) if changed == data else (1, 2, 3)


def certify(samples: Samples, drawn: Drawn, folder: Path) -> tuple[Seen, tuple[int, ...]]:
    _copied(samples.reports, folder / "r")
    _one_in(drawn, folder / "r", *_READ, layout.ENVIRONMENT, layout.ENVIRONMENT, layout.EXCHANGES, layout.LEDGER)
    return command(folder, "certify", "r", "--evidence"), (0, 1, 2, 3)


def report(samples: Samples, drawn: Drawn, folder: Path) -> tuple[Seen, tuple[int, ...]]:
    _copied(samples.reports, folder / "r")
    _one_in(drawn, folder / "r", *_READ)
    return command(folder, "report", "r"), (0, 1, 2, 3)


def compare(samples: Samples, drawn: Drawn, folder: Path) -> tuple[Seen, tuple[int, ...]]:
    (folder / "r").mkdir()
    name = drawn.one_of([layout.VERDICT, layout.RESULTS])
    for each in (layout.VERDICT, layout.RESULTS):
        shutil.copy(samples.reports / each, folder / "r")
    _file(drawn, folder / "r" / name)
    given = "r/verdict.json" if name == layout.VERDICT and drawn.random.random() < 0.5 else "r"
    return command(folder, "compare", str(samples.reports), given), (0, 1, 2)


def compare_recordings(samples: Samples, drawn: Drawn, folder: Path) -> tuple[Seen, tuple[int, ...]]:
    shutil.copy(samples.recordings[1], folder / "b.json")
    _file(drawn, folder / "b.json")
    return command(folder, "compare", str(samples.recordings[0]), "b.json"), (0, 1, 2)


def merge(samples: Samples, drawn: Drawn, folder: Path) -> tuple[Seen, tuple[int, ...]]:
    for index, shard in enumerate(samples.shards):
        _copied(shard, folder / f"s{index}")
    _one_in(drawn, folder / "s1", *_READ, layout.SHARD, layout.SHARD, layout.SHARD, layout.TRACE)
    return command(folder, "merge", "s0", "s1", "--reports", "out"), (0, 1, 2, 3)


def replay(samples: Samples, drawn: Drawn, folder: Path) -> tuple[Seen, tuple[int, ...]]:
    _copied(samples.reports, folder / "r")
    _one_in(drawn, folder / "r", *_READ, "replay.json", "replay.json", "replay.json")
    absent = str(folder / "absent.yaml")
    # The run's own target would be asked; which failure it is, is read before.
    return command(folder, "replay", "r", samples.failure, "--target", absent), (2,)


def sweep(samples: Samples, drawn: Drawn, folder: Path) -> tuple[Seen, tuple[int, ...]]:
    (folder / "state").mkdir(mode=0o700)
    path = folder / "state" / samples.ledger.name
    path.write_bytes(drawn.lines_file(samples.ledger.read_bytes()))
    return command(folder, "sweep", "--dry-run", "--target", str(samples.target)), (0, 2, 3)


def doctor(samples: Samples, drawn: Drawn, folder: Path) -> tuple[Seen, tuple[int, ...]]:
    (folder / "t.yaml").write_bytes(drawn.text_file(samples.target.read_bytes()))
    seen = command(folder, act=lambda: load_targets([folder / "t.yaml"]))
    if drawn.random.random() < 0.9:
        return seen, (0, 2)
    return command(folder, "doctor", "--target", "t.yaml"), (0, 2, 3)


def waivers(samples: Samples, drawn: Drawn, folder: Path) -> tuple[Seen, tuple[int, ...]]:
    (folder / "w.yaml").write_bytes(drawn.text_file(samples.waivers.read_bytes()))
    return command(folder, act=lambda: load_waivers(str(folder / "w.yaml"))), (0, 2)


def board(samples: Samples, drawn: Drawn, folder: Path) -> tuple[Seen, tuple[int, ...]]:
    _copied(samples.reports, folder / "r")
    (folder / "r" / "card.yaml").write_text(example(), encoding="utf-8")
    _one_in(drawn, folder / "r", *_READ, "card.yaml", "card.yaml")
    # What cannot be shown is shown as refused.
    return command(folder, "board", "r", "--out", "site", "--cache", "kept"), (0, 2)


def _copied(source: Path, to: Path) -> None:
    shutil.copytree(source, to, ignore=shutil.ignore_patterns("allure*", "*.zip", "*.svg", "index.html", ".*"))


#: Out of a hundred cases.
SHARES: dict[Case, int] = {
    verify: 20,
    certify: 4,
    report: 7,
    compare: 8,
    compare_recordings: 8,
    merge: 6,
    replay: 10,
    sweep: 5,
    doctor: 14,
    waivers: 14,
    board: 4,
}


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the caller's environment names is not read, and no report of Allure is built."""
    for name in [name for name in os.environ if name.startswith("KMS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("PATH", "")


@pytest.mark.parametrize("case", SHARES, ids=lambda case: case.__name__)
def test_a_damaged_or_forged_file_ends_in_a_sentence(
    case: Case, samples: Samples, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = []
    for number in range(max(1, CASES * SHARES[case] // 100)):
        folder = tmp_path / str(number)
        folder.mkdir()
        monkeypatch.setenv("KMS_CONFORMANCE_STATE", str(folder / "state"))
        drawn = Drawn(SEED, number)
        seen, expected = case(samples, drawn, folder)
        wrong += [f"case {number} ({', '.join(drawn.said)[:200]}): {why}" for why in _problems(seen, expected)]
        shutil.rmtree(folder)
    assert wrong == []


def _problems(seen: Seen, expected: tuple[int, ...]) -> list[str]:
    said = seen.said
    found = [f"it did: {deed}" for deed in seen.deeds]
    if seen.code not in expected:
        found.append(f"exit code {seen.code}: {said[-300:]!r}")
    if "Traceback" in said or "itself failed" in said:
        found.append(f"not foreseen: {said[-600:]!r}")
    # What a target file says is printed through one function, of which this is not the test.
    if controls := sorted(_CONTROLS & set(said)):
        found.append(f"raw {controls}: {said[-300:]!r}")
    if len(said) > _MOST_SAID:
        found.append(f"{len(said)} characters: {said[:200]!r}")
    if seen.code == 2 and not said.strip():
        found.append("it said nothing")
    return found


def test_memory_stays_within_bounds() -> None:
    """After all cases: the files are of some 100 kB, and forged ones of up to a few MB."""
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < 1_200_000, "kilobytes"
