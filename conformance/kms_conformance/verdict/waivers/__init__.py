"""Waivers: failures that are accepted until a date, each with a reason and an owner."""

from kms_conformance.verdict.waivers.load import load_waivers, parse_waivers
from kms_conformance.verdict.waivers.model import Waiver, accepting

__all__ = ["Waiver", "accepting", "load_waivers", "parse_waivers"]
