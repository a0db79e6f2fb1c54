"""Recording of the answers of one target to all questions, as a file that can be compared later."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from kms_conformance import __version__
from kms_conformance.apps.differential.answers import NormalizedAnswer
from kms_conformance.apps.differential.question import Question, digest
from kms_conformance.apps.differential.question_runner import TargetAnswers, run_questions
from kms_conformance.apps.differential.questions import questions
from kms_conformance.catalogue.profile import Profile
from kms_conformance.core import specs
from kms_conformance.report.files import ReportError, read_json, to_text, write_atomically
from kms_conformance.report.schemas import built, validate
from kms_conformance.target import Target, TargetError
from kms_conformance.target.own_profile import add_content
from kms_conformance.verdict.decide import specs_digest

FORMAT = 1
KIND = "kms-conformance recording"
Progress = Callable[[Question, int], None]


@dataclass(frozen=True)
class RecordedAnswer:
    """Question with its answer; `asked` is the state of the key and the request, as JSON types."""

    question: str
    title: str
    asked: Mapping[str, Any]
    answer: NormalizedAnswer


@dataclass(frozen=True)
class AnswerRecording:
    """Answers of one target.

    - `recorded`: the time when the recording began (aware, UTC).
    - `seed`: the seed from which the questions were generated.
    - `entries`: the questions with their answers, in the order in which they were asked.
    - `left`: the keys that could not be scheduled for deletion; they are not stored in the file.
    - `own_profile`: the content of the profile, if the user wrote it.
    """

    name: str
    dialect: str
    profile: str
    base_url: str
    recorded: datetime
    version: str
    specs_digest: str
    seed: int
    entries: tuple[RecordedAnswer, ...]
    requests: int
    keys_created: int
    left: tuple[str, ...] = ()
    own_profile: Mapping[str, Any] | None = None

    @property
    def digest(self) -> str:
        """The digest of the questions."""
        return digest(entry.asked for entry in self.entries)

    def to_json(self) -> dict[str, Any]:
        """The document as `specs/schemas/recording.schema.json` describes it."""
        return {
            "format": FORMAT,
            "kind": KIND,
            "recorded": self.recorded.isoformat(timespec="seconds").replace("+00:00", "Z"),
            "suite": {"version": self.version, "specs_digest": self.specs_digest},
            "target": {
                "name": self.name,
                "dialect": self.dialect,
                "profile": self.profile,
                "base_url": self.base_url,
            },
            **({} if self.own_profile is None else {"own_profile": dict(self.own_profile)}),
            "questions": {"seed": self.seed, "digest": self.digest},
            "answers": [
                {"question": entry.question, "title": entry.title, "asked": entry.asked, **entry.answer.to_json()}
                for entry in self.entries
            ],
            "requests": self.requests,
            "keys_created": self.keys_created,
        }

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> AnswerRecording:
        """Rebuild a recording from a document that is valid by the schema."""
        return cls(
            **raw["target"],
            recorded=datetime.fromisoformat(raw["recorded"]),
            version=raw["suite"]["version"],
            specs_digest=raw["suite"]["specs_digest"],
            seed=raw["questions"]["seed"],
            entries=tuple(_entry(dict(answer)) for answer in raw["answers"]),
            requests=raw["requests"],
            keys_created=raw["keys_created"],
            own_profile=raw.get("own_profile"),
        )


def _entry(raw: dict[str, Any]) -> RecordedAnswer:
    return RecordedAnswer(raw.pop("question"), raw.pop("title"), raw.pop("asked"), NormalizedAnswer.from_json(raw))


def record(
    target: Target, seed: int = 0, profile: str | None = None, progress: Progress = lambda *_: None
) -> AnswerRecording:
    """Send all questions to a target and record its answers.

    `profile` names the profile from which the questions are generated; None: the profile of the target. To be compared,
    two targets must get the questions of the same profile; each is judged by its own profile all the same. Raises
    `Inconclusive` if the target cannot be queried, and `TargetError` if the profile is unknown.
    """
    asked_by = profile or target.profile
    if not specs.has_profile(target.dialect, asked_by):
        raise TargetError(
            f"The questions were made with the profile {asked_by}, which this version of the suite does not have.",
            f"Its profiles: {', '.join(specs.profile_names(target.dialect))}.",
            "Record again with this version.",
        )
    asked = questions(Profile.load(target.dialect, asked_by), seed)
    started = datetime.now(UTC).replace(microsecond=0)
    result = run_questions(target, asked, lambda question: progress(question, len(asked)))
    return _recording(target, seed, asked, started, result)


def _recording(
    target: Target, seed: int, asked: tuple[Question, ...], started: datetime, result: TargetAnswers
) -> AnswerRecording:
    own = specs.own_profile(target.profile)
    return AnswerRecording(
        name=target.name,
        dialect=target.dialect,
        profile=target.profile,
        base_url=target.shown_url,
        recorded=started,
        version=__version__,
        specs_digest=specs_digest(target.dialect),
        seed=seed,
        entries=tuple(
            RecordedAnswer(question.id, question.title, question.asked, result.answers[question.id])
            for question in asked
        ),
        requests=result.requests,
        keys_created=result.keys_created,
        left=result.left,
        own_profile=None if own is None else own.content,
    )


def write_recording(path: Path, recording: AnswerRecording) -> None:
    """Write a recording (mode 0600). Raises `ReportError` if it cannot be written."""
    document = recording.to_json()
    validate(document, "recording", str(path))
    try:
        write_atomically(path, to_text(document))
    except ReportError as error:
        raise ReportError(error.what, error.why, "Name another file with --out.") from error


def read_recording(path: Path) -> AnswerRecording:
    """Read a recording. Raises `ReportError` if it is invalid, or if digest or profile do not match its contents."""
    raw = read_json(path)
    validate(raw, "recording", str(path))
    recording = built(AnswerRecording.from_json, raw, str(path))
    if recording.digest != raw["questions"]["digest"]:
        raise ReportError(
            f"{path} cannot be used.",
            "The file was changed: the digest does not match its questions.",
            "Record again.",
        )
    if specs.is_own(recording.profile) and recording.dialect in specs.dialects():
        own = recording.own_profile or {}
        if built(lambda content: add_content(recording.dialect, content), own, str(path)) != recording.profile:
            raise ReportError(f"{path} cannot be used.", "Its profile is not its `own_profile`.", "Record again.")
    return recording
