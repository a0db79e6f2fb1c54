"""What a run costs, as far as the vendor's published prices say; a price that is not in the profile is not known."""

from __future__ import annotations

from kms_conformance.catalogue.profile import Profile


def cost_of(profile: Profile, keys: int) -> str:
    """One sentence on the price of a run that creates so many keys and lets them go within a day."""
    facts = profile.facts.get("billing")
    if facts is None:
        return "not known: see the vendor's price page"
    source = "{title}, {updated}, {url}".format(**facts["source"])
    notes = "".join(f"; {note}" for note in facts.get("notes", ()))
    price = facts.get("key_day")
    if price is None:
        return f"not known: see the price page ({source}){notes}"
    most = keys * price["amount"]
    return f"at most {most:g} {price['currency']}: {keys} keys for a day at {price['amount']:g} each ({source}){notes}"
