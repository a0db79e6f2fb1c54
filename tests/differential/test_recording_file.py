"""Recording files: without secrets, readable only by their owner, refused if changed."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from emulator_recordings import emulator, recorded, target_of

from kms_conformance.apps import differential as comparing
from kms_conformance.apps.differential import AnswerRecording
from kms_conformance.core import specs
from kms_conformance.emulator import Inbound, Outbound
from kms_conformance.report.files import ReportError

ASKED = (
    "create describe.enabled describe.pending-deletion list encrypt.enabled generate_data_key.enabled decrypt.enabled "
    "cancel.enabled schedule.unknown-key"
)
ASKED = ASKED.replace("generate_data_key", "generate-data-key")
_HIDDEN = re.compile(r'"(?:plain_text|cipher_text|Plaintext|CiphertextBlob|datakey[a-z_]*)"\s*:\s*"([^"]+)"')


def disguises(secret: str) -> set[str]:
    data = secret.encode()
    return {
        secret,
        data.hex(),
        quote(secret, safe=""),
        base64.b64encode(data).decode(),
        base64.urlsafe_b64encode(data).decode().rstrip("="),
    }


@pytest.mark.parametrize("dialect", ["huawei", "alibaba", "aws"])
def test_nothing_secret_is_kept_of_a_target_that_tells_everything(dialect: str, tmp_path: Path) -> None:
    """An endpoint that echoes our credentials in fields, names, messages and headers, plain and encoded."""
    kept: set[str] = set()

    def telling(inbound: Inbound, outbound: Outbound) -> Outbound:
        kept.update(_HIDDEN.findall(outbound.body.decode("utf-8", "replace")))
        if not isinstance(outbound.value, dict):
            return outbound
        told: dict[str, Any] = {f"Echo{place}": text for place, text in enumerate(sorted(canaries))}
        told |= dict.fromkeys(sorted(canaries), "named")
        told["Headers"] = [f"{name}: {value}" for name, value in inbound.headers]
        return outbound.with_value(outbound.value | told).with_header("X-Echo", "".join(secrets)[:200])

    with emulator(dialect, filters=[telling]) as served:
        secrets = sorted(target_of(served).secrets)
        canaries = {text for secret in secrets for text in disguises(secret)}
        found = recorded(served, only=ASKED)
    path = tmp_path / "recording.json"
    comparing.write_recording(path, found)
    text = path.read_text()
    assert len(secrets) >= 1
    assert len(kept) >= 2
    assert [canary for canary in canaries if canary in text] == []
    assert [hidden for hidden in kept if len(hidden) > 4 and hidden in text] == []
    # The additional fields are still reported.
    assert "Echo0" in text


def test_it_is_for_its_owner_alone_and_reads_back(faultless: AnswerRecording, tmp_path: Path) -> None:
    path = tmp_path / "new" / "recording.json"
    comparing.write_recording(path, faultless)
    assert path.stat().st_mode & 0o777 == 0o600
    assert comparing.read_recording(path) == faultless


def test_it_says_what_it_is(faultless: AnswerRecording) -> None:
    document = faultless.to_json()
    assert document["kind"] == comparing.KIND
    assert document["recorded"].endswith("Z")
    assert document["target"]["dialect"] == "huawei"
    assert document["questions"]["digest"].startswith("sha256:")
    assert faultless.keys_created == 2


def test_other_questions_have_another_digest(faultless: AnswerRecording) -> None:
    assert replace(faultless, entries=faultless.entries[1:]).digest != faultless.digest


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda raw: raw["answers"].pop(), "digest"),
        (lambda raw: raw["answers"][0]["asked"]["arguments"].update(window=3), "digest"),
        (lambda raw: raw.update(format=2), "recording.schema.json"),
        (lambda raw: raw["answers"][0].pop("status"), "recording.schema.json"),
        (lambda raw: raw["answers"][0].update(token="t"), "recording.schema.json"),
    ],
    ids=["shorter", "other question", "other format", "no status", "more"],
)
def test_a_changed_one_is_refused(faultless: AnswerRecording, tmp_path: Path, change: Any, says: str) -> None:
    raw = json.loads(json.dumps(faultless.to_json()))
    change(raw)
    path = tmp_path / "changed.json"
    path.write_text(json.dumps(raw))
    with pytest.raises(ReportError, match=says):
        comparing.read_recording(path)


def test_it_holds_the_profile_of_the_user_s_own_by_which_it_asked(
    faultless: AnswerRecording, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = specs.OwnProfile("huawei", {"name": "mine", "title": "Mine", "facts": {"after_cancel": "enabled"}})
    path = tmp_path / "own.json"
    comparing.write_recording(path, replace(faultless, profile=own.reference, own_profile=own.content))
    monkeypatch.setattr(specs, "_own_profiles", {})
    assert comparing.read_recording(path).own_profile == own.content
    assert specs.facts("huawei", own.reference)["after_cancel"] == "enabled"
    for wrong in (None, {**own.content, "title": "Other"}, {"name": "mine", "title": "Mine", "facts": {"x": 1}}):
        comparing.write_recording(path, replace(faultless, profile=own.reference, own_profile=wrong))
        with pytest.raises(ReportError, match="own_profile"):
            comparing.read_recording(path)
