from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import sample_runs as samples

from kms_conformance.catalogue.requirements import Catalogue
from kms_conformance.report.allure.labels import label, write_files
from kms_conformance.report.allure.report import remove_tracking

pytest_plugins = ["pytester"]

CATALOGUE = Catalogue.load("huawei")


def test_labels_sort_a_check_under_dialect_family_and_requirements() -> None:
    names = ("cancel.effect", "cancel.date-cleared")
    found = label(
        target="otc-eu-de",
        dialect="huawei",
        family="pending_use",
        title="cancelling is accepted",
        check="cancel::test_x[a|b]",
        requirements=[CATALOGUE[name] for name in names],
    )
    assert found.title == "Cancelling is accepted · otc-eu-de"
    assert (found.epic, found.feature, found.stories) == ("huawei", "pending use", names)
    assert (found.parent_suite, found.suite, found.severity) == ("otc-eu-de", "pending use", "critical")
    assert found.description.startswith("`cancel::test_x[a|b]`\n\n| Requirement | Level |")
    assert "| `cancel.date-cleared` | SHOULD | After cancelling, no deletion date" in found.description
    assert len({url for _, url in found.links}) == len(found.links) == 2


@pytest.mark.parametrize(
    ("names", "severity"),
    [
        (["cancel.date-cleared", "cancel.effect"], "critical"),
        (["cancel.date-cleared"], "normal"),
        (["cancel.bad-sequence"], "minor"),
    ],
)
def test_the_strongest_level_makes_the_severity(names: list[str], severity: str) -> None:
    requirements = [CATALOGUE[name] for name in names]
    found = label(target="t", dialect="huawei", family="f", title="t", check="c", requirements=requirements)
    assert found.severity == severity


CHECKS = """
    import pytest

    @pytest.fixture
    def kms(request):
        if request.param == "sick":
            raise RuntimeError("refused")

    @pytest.mark.parametrize("kms", ["well", "sick"], indirect=True)
    @pytest.mark.parametrize("case", ["a", "b"])
    def test_cancel(kms, case):
        assert case == "a"
"""
PLUGIN = """
    import sys
    sys.path.insert(0, {path!r})
    import pytest
    import sample_runs as samples
    from kms_conformance.catalogue.requirements import Catalogue
    from kms_conformance.report.allure.labels import Labelling, attach, label

    CATALOGUE = Catalogue.load("huawei")

    def label_of(item):
        wanted = [CATALOGUE["cancel.effect"]]
        target = item.callspec.params["kms"]
        return label(
            target=target, dialect="huawei", family="cancel", title="it cancels", check="c", requirements=wanted
        )

    def pytest_configure(config):
        config.pluginmanager.register(Labelling(label_of))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(item, call):
        report = yield
        if report.failed and call.when == "call":
            attach(samples.failing(samples.OTC, "cancel.effect"), CATALOGUE)
        return report
"""


def test_each_test_is_labelled_also_one_that_fails_in_set_up(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_checks=CHECKS)
    pytester.makeconftest(PLUGIN.format(path=str(Path(__file__).parent)))
    histories = []
    for number in range(2):
        run = pytester.runpytest_inprocess(f"--alluredir=results{number}", "-p", "no:kms_conformance")
        run.assert_outcomes(passed=1, failed=1, errors=2)
        results = [json.loads(path.read_text()) for path in pytester.path.glob(f"results{number}/*-result.json")]
        assert sorted((result["name"], result["status"]) for result in results) == [
            ("It cancels · sick", "broken"),
            ("It cancels · sick", "broken"),
            ("It cancels · well", "failed"),
            ("It cancels · well", "passed"),
        ]
        for result in results:
            labels = {(each["name"], each["value"]) for each in result["labels"]}
            assert {("epic", "huawei"), ("feature", "cancel"), ("story", "cancel.effect")} <= labels
            assert [value for name, value in labels if name == "severity"] == ["critical"]
            assert result["description"].startswith("`c`")
        attached = [each["name"] for result in results for each in result.get("attachments", ())]
        assert attached == ["cancel.effect"]
        histories.append(sorted(result["historyId"] for result in results))
    # One history a test, and the same in every run.
    assert len(set(histories[0])) == 4
    assert histories[0] == histories[1]


SECRETS = {"GITHUB_TOKEN": "ghs_x", "CI_JOB_TOKEN": "glcbt-x", "CI_REPOSITORY_URL": "https://u:p@x", "HOME": "/root"}


@pytest.mark.parametrize(
    ("environ", "executor", "shown"),
    [
        ({}, {"name": "local", "type": "local"}, ""),
        (
            {
                "GITHUB_RUN_ID": "99",
                "GITHUB_RUN_NUMBER": "12",
                "GITHUB_WORKFLOW": "CI",
                "GITHUB_SERVER_URL": "https://github.com",
                "GITHUB_REPOSITORY": "o/r",
                "GITHUB_SHA": "abc",
            },
            {
                "name": "GitHub Actions",
                "type": "github",
                "url": "https://github.com/o/r",
                "buildUrl": "https://github.com/o/r/actions/runs/99",
                "buildName": "CI #12",
                "buildOrder": 12,
            },
            "ci.commit = abc\n",
        ),
        (
            {"CI_PIPELINE_ID": "7", "CI_JOB_URL": "https://gitlab/j/1", "CI_COMMIT_REF_NAME": "main\\é"},
            {
                "name": "GitLab CI",
                "type": "gitlab",
                "buildUrl": "https://gitlab/j/1",
                "buildName": "#7",
                "buildOrder": 7,
            },
            "ci.branch = main\\u005c\\u00e9\n",
        ),
        (
            {"BUILD_URL": "https://jenkins/1", "JOB_NAME": "kms", "BUILD_NUMBER": "x"},
            {"name": "Jenkins", "type": "jenkins", "buildUrl": "https://jenkins/1", "buildName": "kms"},
            "",
        ),
    ],
    ids=["local", "github", "gitlab", "jenkins"],
)
def test_environment_and_executor_name_what_is_set_and_no_secret(
    environ: dict[str, str], executor: dict[str, object], shown: str, tmp_path: Path
) -> None:
    results = tmp_path / "allure-results"
    write_files(results, [samples.OTC, samples.ALI], tier="smoke", seed=7, environ=environ | SECRETS)
    written = json.loads((results / "executor.json").read_text())
    assert written.pop("reportName").startswith("kms-conformance ")
    assert written == executor
    environment = (results / "environment.properties").read_text()
    assert "tier = smoke\nseed = 7\ntarget.otc-eu-de = huawei, profile otc\nspecs.huawei = sha256:" in environment
    assert environment.endswith(f"\n{shown}")
    everything = "".join(path.read_text() for path in tmp_path.rglob("*") if path.is_file())
    assert not any(secret in everything for secret in SECRETS.values())


MESSAGES = {
    "Waiver out of date: renew or remove it": ("failed", "Waiver out of date, cancel.effect: It expired."),
    "Deviation: the target does not follow its documents": ("failed", "cancel.effect (MUST): x\ny"),
    "Inconclusive: could not be judged, not the target's fault": ("broken", "No reply.\nWaiver out of date"),
    "Waived: an accepted deviation": ("skipped", "Waived: mended soon\ncancel.effect"),
    "Does not change the result: SHOULD and MAY": ("skipped", "cancel.x (SHOULD): not Waived: at all"),
}


@pytest.mark.parametrize("name", MESSAGES)
def test_a_result_falls_into_one_category_in_both_allures(name: str, tmp_path: Path) -> None:
    results = tmp_path / "allure-results"
    write_files(results, [samples.OTC], tier="smoke", seed=7, environ={})
    second = json.loads((results / "categories.json").read_text())
    third = json.loads((tmp_path / "allurerc.mjs").read_text().partition("const config = ")[2].partition(";\n")[0])
    status, message = MESSAGES[name]
    in_second = [
        each["name"]
        for each in second
        if status in each["matchedStatuses"] and re.fullmatch(each.get("messageRegex", "(?s).*"), message)
    ]
    in_third = [
        each["name"]
        for each in third["categories"]
        if status in each["matchers"]["statuses"] and re.search(each["matchers"].get("message", ""), message)
    ]
    assert in_second == in_third == [name]
    assert third["resultsDir"] == "allure-results"
    assert third["plugins"]["awesome"]["options"]["groupBy"] == ["epic", "feature", "story"]


def test_a_configuration_that_its_user_edited_is_kept(tmp_path: Path) -> None:
    (tmp_path / "allurerc.mjs").write_text("mine")
    write_files(tmp_path / "allure-results", [samples.OTC], tier="smoke", seed=7, environ={})
    assert (tmp_path / "allurerc.mjs").read_text() == "mine"


# As Allure 3.18 writes it.
TRACKED = """<html><body>
    <div id="app"></div>
    <script async src="https://www.googletagmanager.com/gtag/js?id=G-LNDJ3J7WT0"></script>
    <script>
        window.dataLayer = window.dataLayer || [];
        function gtag(){dataLayer.push(arguments);}
        gtag('js', new Date());
        gtag('config', 'G-LNDJ3J7WT0', {"report": "awesome"});
    </script>
    <script src="app.js"></script>
</body></html>
"""


def test_the_tracking_that_allure_adds_is_removed(tmp_path: Path) -> None:
    page = tmp_path / "sub" / "index.html"
    page.parent.mkdir()
    page.write_text(TRACKED)
    assert remove_tracking(tmp_path) == (page,)
    assert page.read_text().split() == [
        *("<html><body>", "<div", 'id="app"></div>', "<script", 'src="app.js"></script>', "</body></html>")
    ]
    assert remove_tracking(tmp_path) == ()


def test_the_application_of_a_page_that_is_one_file_is_kept(tmp_path: Path) -> None:
    application = f"<script>{'x' * 5000} gtag('event') {'y' * 5000}</script>"
    (tmp_path / "index.html").write_text(f"<body>{application}</body>")
    assert remove_tracking(tmp_path) == ()
