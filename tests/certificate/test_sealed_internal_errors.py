"""A run that met internal errors is judged again from its recording with the same result."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sealing_runs import run

from kms_conformance.apps.certificate.certify import certify
from kms_conformance.apps.certificate.verify import verify_file
from kms_conformance.apps.selftest.variants.failing import FAILING

NAMES = {"internal-error-once-on-create", "internal-error-once-on-cancel"}
MIXINS = tuple(variant.decisions[0] for variant in FAILING if variant.name in NAMES)


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run(tmp_path_factory.mktemp("errors"), "huawei", decisions=type("Failing", MIXINS, {}))


def test_the_errors_are_observed_and_nothing_failed(reports: Path) -> None:
    verdict = json.loads((reports / "verdict.json").read_text())
    assert {entry["verdict"] for entry in verdict["requirements"]} & {"failed"} == set()
    assert len([text for text in map(str, verdict["observations"]) if "500 KMS.0101" in text]) == 2


def test_the_sealed_result_is_judged_again_with_the_same_result(reports: Path) -> None:
    (done,) = certify(reports)
    verification = verify_file(done.path)
    assert verification.exit_code == 0, str(verification)
