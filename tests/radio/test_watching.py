"""The alert rules and the dashboard in deploy/ name metrics that exist, and the rules do what they say."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from radio.metrics import Metrics

DEPLOY = Path(__file__).parents[2] / "deploy"
PROMTOOL = shutil.which("promtool") or shutil.which("promtool", path=DEPLOY.parent / ".venv/bin")
NAME = re.compile(r"\b(?:lofi|process|python)_[a-z_]+")


def names():
    """Every series that a station may show."""
    metrics = Metrics().with_process()
    found = set()
    for family in text_string_to_metric_families(metrics.text().decode()):
        found |= {family.name, *(sample.name for sample in family.samples)}
        found.add(f"{family.name}_total") if family.type == "counter" else None
    return found


def rules():
    tree = yaml.safe_load((DEPLOY / "prometheus/alerts.yaml").read_text(encoding="utf-8"))
    return [rule for group in tree["groups"] for rule in group["rules"]]


def dashboard():
    return json.loads((DEPLOY / "grafana/lofi-radio.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
def test_every_alert_is_about_metrics_that_exist_and_says_what_is_wrong(rule):
    assert set(NAME.findall(rule["expr"])) <= names()
    assert rule["labels"]["severity"] in ("page", "ticket")
    assert rule["annotations"]["summary"].endswith((".", "?"))


@pytest.mark.parametrize("panel", dashboard()["panels"], ids=lambda panel: panel["title"])
def test_every_panel_shows_metrics_that_exist(panel):
    used = {name for target in panel["targets"] for name in NAME.findall(target["expr"])}
    assert used
    assert used <= names()


def test_panels_do_not_overlap():
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in dashboard()["panels"]]
    assert len(places) == len(set(places))
    assert len({panel["id"] for panel in dashboard()["panels"]}) == len(places)


@pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed: deploy/setup.sh test fetches it on Debian")
@pytest.mark.parametrize(
    "check",
    [["check", "rules", "alerts.yaml"], ["check", "config", "prometheus.yaml"], ["test", "rules", "alerts_test.yaml"]],
    ids=" ".join,
)
def test_promtool_agrees(check):
    told = subprocess.run([PROMTOOL, *check], cwd=DEPLOY / "prometheus", capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stdout + told.stderr
