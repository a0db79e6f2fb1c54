"""Comparison as JSON document; `specs/schemas/comparison.schema.json` describes it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from kms_conformance.apps.differential.difference import FORMAT, KIND, AnswerComparison, Difference
from kms_conformance.apps.differential.recording import AnswerRecording


def to_json(comparison: AnswerComparison) -> dict[str, Any]:
    """The document of a comparison, as JSON types."""
    return {
        "format": FORMAT,
        "kind": KIND,
        "compared_at": comparison.at.isoformat(timespec="seconds").replace("+00:00", "Z"),
        "same": comparison.exit_code == 0,
        "a": _side(comparison.a, comparison.age_days(comparison.a)),
        "b": _side(comparison.b, comparison.age_days(comparison.b)),
        "compared": comparison.compared,
        "differences": [_difference(difference) for difference in comparison.differences],
        "not_compared": [asdict(skipped) for skipped in comparison.not_compared],
        "warnings": list(comparison.warnings),
    }


def _side(recording: AnswerRecording, age: int) -> dict[str, Any]:
    whole = recording.to_json()
    return {name: whole[name] for name in ("recorded", "suite", "target", "questions")} | {"age_days": age}


def _difference(difference: Difference) -> dict[str, Any]:
    sides = {"a": difference.documents_a, "b": difference.documents_b}
    return {
        "question": difference.question,
        "title": difference.title,
        "aspect": difference.aspect,
        "field": difference.field,
        "a": difference.a,
        "b": difference.b,
        "supports": difference.supports,
        "documents": {
            name: {
                "judged": side.judged,
                "requirements": list(side.requirements),
                "expected": list(side.expected),
            }
            for name, side in sides.items()
        },
    }
