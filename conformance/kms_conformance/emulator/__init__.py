"""The reference emulator: the services' key lifecycles as their documents state them, to test against.

It shares nothing with the suite but `specs/`. Its credentials are published constants; it is for tests alone.
"""

from kms_conformance.emulator.decisions import Decisions
from kms_conformance.emulator.emulator import Emulator
from kms_conformance.emulator.keys import ABSENT, Key, State
from kms_conformance.emulator.messages import Filter, Inbound, Outbound
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
    "Rules",
    "State",
    "serve",
]
