"""Near misses: a text that is almost a name of a key names no key, in no operation."""

from __future__ import annotations

from contextlib import suppress

from kms_conformance.catalogue.api import CHANGES
from kms_conformance.client.answer import Answer
from kms_conformance.client.front import NotReached
from kms_conformance.client.judge import Stop
from kms_conformance.client.oracle import ENABLED
from kms_conformance.suite.key_requests import KeyRequests, Place, names_of, places
from kms_conformance.suite.marks import requirement
from kms_conformance.suite.near_misses import IN_TURN, near_misses
from kms_conformance.suite.scenario import Scenario

# The refusals of texts that name no key, of each form.
_NOBODY = "unknown_key or malformed_key or missing_key or unknown_alias or alias_as_key or arn_as_key or key_elsewhere"


@requirement("key-id.exact")
def test_near_miss_of_a_name_names_no_key(kms: Scenario) -> None:
    """Near misses of the id go to every operation; at smoke, of those that a common parser would take, one, in turn.

    Operations that change the state of a key get all of them. Of near misses of other names, an operation gets one of
    each form at smoke, in turn, so that each kind is sent.
    """
    key = kms.key(ENABLED)
    requests = KeyRequests(kms, key, kms.key(ENABLED, key))
    all_places = requests.prepare(places(kms))
    before = kms.view(key)
    answer = None
    try:
        with names_of(kms, key, all_places) as names:
            misses = {form: _unknown(kms, name) for form, name in {"id": key, **names}.items()}
            for number, place in enumerate(place for place in all_places if place.operation != "describe"):
                for turn, (form, texts) in enumerate(misses.items()):
                    for text in _of_turn(kms, place, form, texts, number + turn):
                        # A firewall may refuse the text.
                        with requests.by_itself(place.operation), suppress(NotReached):
                            answer = _must_refuse(kms, requests, place, text)
        if answer is not None:
            kms.must_be_unchanged("key-id.exact", before, kms.read(key), answer)
    finally:
        requests.clean()
    requests.must_be_complete()


def _of_turn(kms: Scenario, place: Place, form: str, texts: dict[str, str], turn: int) -> list[str]:
    """The near misses of a name of this form that one operation gets."""
    if kms.effort.fuzz_coverage or (form == "id" and place.operation in CHANGES):
        return list(texts.values())
    every = [text for kind, text in texts.items() if form == "id" and kind not in IN_TURN]
    others = [text for text in texts.values() if text not in every]
    return [*every, *others[turn % len(others) :][:1]] if others else every


def _unknown(kms: Scenario, name: str) -> dict[str, str]:
    """Judge that describing refuses the near misses of a name; returns those that the target calls unknown, by kind.

    Only these may be named in other requests.
    """
    return {kind: text for kind, text in near_misses(name).items() if _is_unknown(kms, text)}


def _is_unknown(kms: Scenario, text: str) -> bool:
    try:
        answer = kms.ask("describe", key_id=text)
        kms.must_be_refused("key-id.exact", _NOBODY, answer)
    except (NotReached, Stop):
        return False
    return not text or kms.client.gate.confirms_absent(text, answer.status, answer.code)


def _must_refuse(kms: Scenario, requests: KeyRequests, place: Place, text: str) -> Answer:
    answer = kms.ask(place.operation, **requests.arguments(place, text, changing=False))
    kms.must_be_refused("key-id.exact", f"{_NOBODY} or lost_key" if place.optional else _NOBODY, answer)
    if answer.accepted:
        requests.note_accepted(place, answer.value)
    return answer
