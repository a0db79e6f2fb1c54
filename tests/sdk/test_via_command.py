"""Command `run --via`: output and exit codes."""

from __future__ import annotations

import json
import shlex
from importlib import metadata
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from sdk_runs import installed, only_steps

from kms_conformance.apps.sdk.registry import ClientError
from kms_conformance.apps.sdk.vendor_clients import clients
from kms_conformance.cli import main
from kms_conformance.cli.run import run
from kms_conformance.core import specs
from kms_conformance.emulator import Emulator, Inbound, Outbound
from kms_conformance.target import TargetError


def command(*arguments: str, folder: Path) -> Result:
    return CliRunner().invoke(run, [*arguments, "--reports", str(folder / "reports")], standalone_mode=False)


def target_file(emulator: Emulator, folder: Path, way: str | None = None) -> str:
    path = folder / "target.yaml"
    path.write_text(emulator.target_yaml(way))
    return str(path)


@pytest.fixture(autouse=True)
def _state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KMS_CONFORMANCE_STATE", str(tmp_path / "state"))


def test_it_shows_a_table_and_writes_a_document(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installed("otcextensions")
    only_steps(monkeypatch, "disable", "schedule it again")
    with Emulator("huawei") as emulator:
        ended = command("--via", "sdk", "--target", target_file(emulator, tmp_path, "token"), folder=tmp_path)
    assert ended.return_value == 0, ended.output
    assert "emulator-huawei: real programs work, as far as these clients show" in ended.output
    assert "left out   huaweicloudsdkkms: It needs aksk; the target file has token." in ended.output
    assert "otc-status-lost (1 step): An error of status 400" in " ".join(ended.output.split())
    document = json.loads((tmp_path / "reports" / "sdk.json").read_text())
    assert [step["verdict"] for step in document["clients"][0]["steps"]][:3] == ["passed", "passed", "known_trap"]


def test_a_fault_of_the_target_is_exit_code_1(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installed("aliyun-python-sdk-kms")
    only_steps(monkeypatch, "describe an unknown key")

    def wrong_code(inbound: Inbound, outbound: Outbound) -> Outbound:
        unknown = outbound.status == 404
        return outbound.with_value(outbound.value | {"Code": "NoSuchKey"}) if unknown else outbound

    with Emulator("alibaba", filters=[wrong_code]) as emulator:
        ended = command("--via", "aliyun-python-sdk-kms", "--target", target_file(emulator, tmp_path), folder=tmp_path)
    assert ended.return_value == 1
    said = " ".join(ended.output.split())
    assert "aliyun-python-sdk-kms: describe an unknown key: the target's fault" in said
    assert "expected ServerException: 404 Forbidden.KeyNotFound" in said
    assert "received ServerException (status 404, code NoSuchKey)" in said
    assert "reply 404, application/json" in said


def test_an_endpoint_that_is_not_there_is_exit_code_3(tmp_path: Path) -> None:
    installed("aliyun-python-sdk-kms")
    with Emulator("alibaba") as emulator:
        path = target_file(emulator, tmp_path)
    ended = command("--via", "sdk", "--target", path, folder=tmp_path)
    assert ended.return_value == 3
    assert "Is the endpoint running" in " ".join(ended.output.split())


def test_a_client_that_is_not_installed_names_the_command_to_type(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def version(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr("kms_conformance.apps.sdk.registry.metadata.version", version)
    with Emulator("alibaba") as emulator:
        served = emulator.requests_served
        path = target_file(emulator, tmp_path)
        monkeypatch.setattr("sys.argv", ["kms-conformance", "run", "--via", "sdk", "--target", path])
        with pytest.raises(SystemExit) as ended:
            main()
        assert emulator.requests_served == served
    assert ended.value.code == 2
    told = capsys.readouterr().err
    assert "The client alibabacloud_kms20160120 cannot be used." in told
    command_to_type = told.strip().rpartition("Install the vendors' clients with: ")[2]
    assert command_to_type.startswith("pip install ")
    # The printed command names every client in the releases that pyproject.toml allows, and not this package.
    named = {canonicalize_name(Requirement(text).name) for text in shlex.split(command_to_type)[2:]}
    assert named >= {canonicalize_name(client.name) for dialect in specs.dialects() for client in clients(dialect)}
    assert "kms-conformance" not in named
    assert all(Requirement(text).specifier for text in shlex.split(command_to_type)[2:])


def test_a_client_that_cannot_sign_in_there_is_an_error(tmp_path: Path) -> None:
    with Emulator("huawei") as emulator:
        ended = command(
            "--via", "huaweicloudsdkkms", "--target", target_file(emulator, tmp_path, "token"), folder=tmp_path
        )
    assert isinstance(ended.exception, ClientError)
    assert "It needs aksk; the target file has token." in str(ended.exception)


def test_a_real_account_needs_its_owners_word(tmp_path: Path) -> None:
    installed("aliyun-python-sdk-kms")
    path = tmp_path / "target.yaml"
    auth = "auth: {access_key_id: EXAMPLE-ID, access_key_secret: EXAMPLE-SECRET}"
    path.write_text(f"name: real\ndialect: alibaba\nbase_url: https://kms.invalid\n{auth}\n")
    ended = command("--via", "aliyun-python-sdk-kms", "--target", str(path), folder=tmp_path)
    assert isinstance(ended.exception, TargetError)
    assert "so a run needs your consent" in str(ended.exception)


@pytest.mark.parametrize("option", [["--tier", "smoke"], ["--seed", "1"], ["--", "-k", "window"]])
def test_what_the_clients_would_not_heed_is_refused(option: list[str], tmp_path: Path) -> None:
    ended = CliRunner().invoke(run, ["--via", "sdk", *option])
    assert ended.exit_code == 2
    assert "cannot be used" in ended.output


@pytest.mark.parametrize("dialect", ["alibaba", "aws", "huawei"])
def test_every_trap_is_told_with_its_source(dialect: str) -> None:
    traps = [trap for client in clients(dialect) for trap in client.traps]
    assert len({trap.id for trap in traps}) == len(traps)
    page = (Path(__file__).parent.parent.parent / "docs" / "real-clients.md").read_text()
    assert [trap.id for trap in traps if f"`{trap.id}`" not in page] == []
