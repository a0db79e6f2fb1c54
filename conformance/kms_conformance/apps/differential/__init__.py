"""Differential test: sends the same questions to two targets, at the same time or months apart, and compares."""

from kms_conformance.apps.differential.comparison_json import to_json
from kms_conformance.apps.differential.difference import AnswerComparison, compare_recordings
from kms_conformance.apps.differential.question_runner import KEYS_NEEDED
from kms_conformance.apps.differential.questions import questions
from kms_conformance.apps.differential.recording import KIND, AnswerRecording, read_recording, record, write_recording
from kms_conformance.apps.differential.table import show

__all__ = [
    "KEYS_NEEDED",
    "KIND",
    "AnswerComparison",
    "AnswerRecording",
    "compare_recordings",
    "questions",
    "read_recording",
    "record",
    "show",
    "to_json",
    "write_recording",
]
