"""Waivers: failures that somebody answers for, until a day."""

from conformance.waivers.load import load_waivers, parse_waivers
from conformance.waivers.model import Waiver, accepting

__all__ = ["Waiver", "accepting", "load_waivers", "parse_waivers"]
