"""Differential test: compares how two targets answer the same questions, at the same time or months apart.

The words of this package:

- question: a state of a key, and one request that is sent when the key is in this state.
- recording: the answers of one target to all questions, in a file.
- side: one of the two compared recordings, A or B.
- aspect: a part of an answer that is compared, such as the body or the state of the key afterwards.
- fact: a value derived from the raw reply, such as whether the reply has a request id.
"""

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
