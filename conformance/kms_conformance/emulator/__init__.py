"""The reference emulator: the documented key lifecycle of each service, served over HTTP for tests.

The emulator shares only `specs/` with the suite. It is for tests only, because its credentials are public constants.
"""

from kms_conformance.emulator.decisions import Decisions
from kms_conformance.emulator.emulator import Emulator
from kms_conformance.emulator.keys import ABSENT, Key, State
from kms_conformance.emulator.messages import Filter, Inbound, Outbound
from kms_conformance.emulator.refusals import Refused
from kms_conformance.emulator.rules import RefusalAnswer, Rules
from kms_conformance.emulator.serve import serve

__all__ = [
    "ABSENT",
    "Decisions",
    "Emulator",
    "Filter",
    "Inbound",
    "Key",
    "Outbound",
    "RefusalAnswer",
    "Refused",
    "Rules",
    "State",
    "serve",
]
