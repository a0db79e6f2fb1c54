"""Waivers: failures that somebody answers for, until a day."""

from kms_conformance.verdict.waivers.load import load_waivers, parse_waivers
from kms_conformance.verdict.waivers.model import Waiver, accepting

__all__ = ["Waiver", "accepting", "load_waivers", "parse_waivers"]
