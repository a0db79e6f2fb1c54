"""What a profile accepts: codes with another prefix, errors without a code, and what shows that a key is absent."""

from __future__ import annotations

import pytest

from kms_conformance.catalogue.profile import AcceptedAnswer, Profile
from kms_conformance.dialects import adapter

HUAWEI = Profile.load("huawei")


def test_a_code_counts_with_each_prefix_of_its_family() -> None:
    refusals = {"r": {"answers": [{"status": 404, "code": "A.1"}, {"status": 400, "code": "X.1"}]}}
    profile = Profile("d", "p", "", {"code_prefixes": {"A.": ["B.", "C."]}, "refusals": refusals})
    found = [str(answer) for answer in profile.refusal("r").answers]
    assert found == ["404 A.1", "400 X.1", "404 B.1", "404 C.1"]


def test_an_answer_without_a_code_admits_no_code() -> None:
    refusals = {"r": {"answers": [{"status": 404, "code": None}]}}
    refusal = Profile("d", "p", "", {"refusals": refusals}).refusal("r")
    assert [refusal.admits(*given) for given in ((404, None), (400, None), (404, "A.1"))] == [True, False, False]
    assert str(AcceptedAnswer(404, None)) == "404 without a code"


@pytest.mark.parametrize(
    ("status", "code", "well_formed", "malformed"),
    [
        (404, "KMS.0207", True, True),
        (400, "KMS.0205", True, True),
        (400, "KMS.0308", False, True),
        (400, "KMS.0202", False, True),
        (403, "KMS.0306", False, False),
        (500, "KMS.0101", False, False),
    ],
)
def test_an_error_of_any_parameter_says_nothing_about_a_well_formed_id(
    status: int, code: str, well_formed: bool, malformed: bool
) -> None:
    assert HUAWEI.tells_absent(status, code, may_be_malformed=False) is well_formed
    assert HUAWEI.tells_absent(status, code) is malformed


def test_an_id_may_be_malformed_unless_it_has_the_documented_form() -> None:
    huawei, aws = (adapter(Profile.load(name), "http://127.0.0.1:1", "") for name in ("huawei", "aws"))
    assert not huawei.may_be_malformed(huawei.unknown_key())
    assert all(map(huawei.may_be_malformed, huawei.malformed_keys))
    assert aws.may_be_malformed(aws.unknown_key())
