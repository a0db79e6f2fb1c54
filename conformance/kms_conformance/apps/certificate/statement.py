"""Statement of a sealed file: an in-toto statement about all members, in a DSSE envelope with an optional signature.

The formats are public (in-toto Statement v1, predicate test-result v0.1, DSSE v1), so that other programs can check the
signature.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from kms_conformance.apps.certificate.manifest import digest
from kms_conformance.apps.certificate.pack import MEMBERS, STATEMENT
from kms_conformance.core.specs import OwnProfile
from kms_conformance.report.files import canonical, parse_json

if TYPE_CHECKING:
    from securesystemslib.dsse import Envelope
    from securesystemslib.signer import CryptoSigner, Key

    from kms_conformance.verdict.model import Verdict

PAYLOAD_TYPE = "application/vnd.in-toto+json"
_STATEMENT = "https://in-toto.io/Statement/v1"
_PREDICATE = "https://in-toto.io/attestation/test-result/v0.1"


def statement(members: Mapping[str, bytes], document: Mapping[str, Any], verdict: Verdict) -> bytes:
    """The statement about all members except itself, as canonical JSON."""
    own = None if verdict.own_profile is None else OwnProfile(verdict.dialect, verdict.own_profile)
    # A profile that the user wrote may accept any answer, so a run that it judged does not get the result PASSED.
    sound = not document["partial"] and own is None
    results = {"conformant": "PASSED" if sound else "WARNED"}
    ids = {name: [e.id for e in verdict.requirements if e.verdict == name] for name in ("passed", "failed")}
    other = [e.id for e in verdict.requirements if e.verdict in ("waived", "inconclusive", "not_tested")]
    return canonical(
        {
            "_type": _STATEMENT,
            "subject": [
                {"name": name, "digest": {"sha256": digest(members[name]).removeprefix("sha256:")}}
                for name in MEMBERS
                if name != STATEMENT
            ],
            "predicateType": _PREDICATE,
            "predicate": {
                "result": results.get(document["result"], "FAILED"),
                "configuration": [
                    {
                        "name": f"specs/{document['target']['dialect']}",
                        "digest": {"sha256": document["suite"]["specs_digest"].removeprefix("sha256:")},
                    },
                    *([] if own is None else [{"name": f"profile/{own.reference}", "digest": {"sha256": own.digest}}]),
                ],
                "passedTests": ids["passed"],
                "warnedTests": other,
                "failedTests": ids["failed"],
            },
        }
    )


def seal_statement(payload: bytes, signer: CryptoSigner | None) -> bytes:
    """The envelope of a statement, signed if there is a signer."""
    from securesystemslib.dsse import Envelope  # noqa: PLC0415 - its import takes 0.5 s; only sealed files need it

    envelope = Envelope(payload, PAYLOAD_TYPE, {})
    if signer is not None:
        envelope.sign(signer)
    return canonical(envelope.to_dict()) + b"\n"


def open_envelope(data: bytes) -> Envelope:
    """Parse the envelope in a member. Raises `ValueError` if it is invalid."""
    from securesystemslib.dsse import Envelope  # noqa: PLC0415 - only sealed files need it
    from securesystemslib.exceptions import FormatError  # noqa: PLC0415 - only sealed files need it

    raw = parse_json(data, STATEMENT)
    try:
        envelope = Envelope.from_dict(json.loads(json.dumps(raw)))
    except (KeyError, TypeError, AttributeError, FormatError) as error:
        raise ValueError(f"it is not a DSSE envelope ({type(error).__name__})") from error
    if envelope.payload_type != PAYLOAD_TYPE:
        raise ValueError(f"its payload type is {envelope.payload_type!a}")
    if canonical(envelope.to_dict()) + b"\n" != data:
        raise ValueError("it is not canonical JSON")
    return envelope


def is_signed_by(envelope: Envelope, key: Key) -> bool:
    """Whether an envelope has a valid signature of this key."""
    from securesystemslib.exceptions import VerificationError  # noqa: PLC0415 - only sealed files need it

    try:
        envelope.verify([key], 1)
    except VerificationError:
        return False
    return True
