"""The reference emulator: the services' key lifecycles as their documents state them, to test against.

It shares nothing with the suite but `specs/`. Its credentials are published constants; it is for tests alone.
"""

from conformance.emulator.decisions import Decisions
from conformance.emulator.emulator import Emulator
from conformance.emulator.keys import ABSENT, Key, State
from conformance.emulator.replies import Filter, Inbound, Outbound
from conformance.emulator.rules import Answer, Rules
from conformance.emulator.serve import serve

__all__ = [
    "ABSENT",
    "Answer",
    "Decisions",
    "Emulator",
    "Filter",
    "Inbound",
    "Key",
    "Outbound",
    "Rules",
    "State",
    "serve",
]
