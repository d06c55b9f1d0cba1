"""What operators copy from deploy/ is valid, and says what the station understands."""

import json
import shutil
import subprocess
from pathlib import Path

import kubernetes_validate
import pytest
import yaml

from radio.config_file import load_config

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
MANIFESTS = [
    document
    for path in sorted((DEPLOY / "kubernetes").glob("*.yaml"))
    if path.name not in ("kustomization.yaml", "station.yaml")
    for document in yaml.safe_load_all(path.read_text(encoding="utf-8"))
]


def manifest(kind):
    return next(one for one in MANIFESTS if one["kind"] == kind)


@pytest.mark.parametrize("document", MANIFESTS, ids=lambda document: document["kind"])
def test_every_manifest_follows_the_schema_of_kubernetes(document):
    kubernetes_validate.validate(document, "1.37", strict=True)


def test_the_pod_has_no_right_that_it_does_not_need():
    pod = manifest("StatefulSet")["spec"]["template"]["spec"]
    (radio,) = pod["containers"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert radio["securityContext"]["readOnlyRootFilesystem"] is True
    assert radio["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert not pod["automountServiceAccountToken"]
    uid = pod["securityContext"]["runAsUser"]
    assert f"--uid {uid} " in (ROOT / "Dockerfile").read_text(encoding="utf-8")


def test_kustomization_names_every_manifest():
    kustomization = yaml.safe_load((DEPLOY / "kubernetes/kustomization.yaml").read_text(encoding="utf-8"))
    files = {path.name for path in (DEPLOY / "kubernetes").glob("*.yaml")}
    assert {*kustomization["resources"], "kustomization.yaml", "station.yaml"} == files
    assert kustomization["configMapGenerator"][0]["files"] == ["config.yaml=station.yaml"]


@pytest.mark.parametrize("name", ["docker.yaml", "kubernetes/station.yaml", "systemd/config.yaml"])
def test_configurations_are_understood_and_keep_all_state_in_one_place(name):
    config = load_config(DEPLOY / name)
    assert config.journal.path.parent == config.state.folder
    assert config.state.folder in (Path("/state"), Path("/var/lib/lofi-radio"))


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="needs systemd-analyze: apt-get install systemd")
def test_systemd_takes_the_unit_and_finds_it_well_shut(tmp_path):
    text = (DEPLOY / "systemd/lofi-radio.service").read_text(encoding="utf-8")
    unit = tmp_path / "lofi-radio.service"
    unit.write_text(text.replace("/opt/lofi-radio/.venv/bin/lofi-radio", "/bin/true"))
    taken = subprocess.run(["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, check=False)
    assert (taken.returncode, "lofi-radio" in taken.stderr) == (0, False), taken.stderr
    judged = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=20", str(unit)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert judged.returncode == 0, judged.stdout[-500:]


def test_all_that_compose_mounts_is_there():
    services = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))["services"]
    mounts = [volume.split(":")[0] for service in services.values() for volume in service.get("volumes", [])]
    assert [mount for mount in mounts if mount.startswith("./") and not (ROOT / mount).exists()] == []
    assert all(port.startswith("127.0.0.1:") for service in services.values() for port in service["ports"])


def test_grafana_shows_the_dashboard_from_where_prometheus_is():
    provisioning = DEPLOY / "grafana/provisioning"
    source = yaml.safe_load((provisioning / "datasources/prometheus.yaml").read_text(encoding="utf-8"))["datasources"][
        0
    ]
    folder = yaml.safe_load((provisioning / "dashboards/lofi-radio.yaml").read_text(encoding="utf-8"))["providers"][0]
    compose = (ROOT / "compose.yaml").read_text(encoding="utf-8")
    assert f":{folder['options']['path']}/lofi-radio.json:ro" in compose
    assert source["url"] == "http://prometheus:9090"
    dashboard = json.loads((DEPLOY / "grafana/lofi-radio.json").read_text(encoding="utf-8"))
    assert {panel["datasource"]["type"] for panel in dashboard["panels"]} == {source["type"]}


@pytest.mark.parametrize("name", ["prometheus.yaml", "compose.yaml"])
def test_prometheus_takes_its_configuration(name):
    promtool = shutil.which("promtool") or shutil.which("promtool", path=ROOT / ".venv/bin")
    if promtool is None:
        pytest.skip("promtool is not installed: deploy/setup.sh test fetches it on Debian")
    said = subprocess.run(
        [promtool, "check", "config", str(DEPLOY / "prometheus" / name)], capture_output=True, text=True, check=False
    )
    assert said.returncode == 0, said.stdout + said.stderr
