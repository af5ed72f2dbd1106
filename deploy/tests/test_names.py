"""What rules, dashboard and pages name is what the code has."""

import json
import pathlib
import re
import unittest

import yaml

ROOT = pathlib.Path(__file__).parents[2]
RULES = [ROOT / "deploy/prometheus/recording.yaml", ROOT / "deploy/prometheus/alerts.yaml"]
MACRO = re.compile(r'(?<!describe_)\b(counter|gauge|histogram)!\(\s*"(octo_sts_[a-z_]+)"')


def emitted():
    """The series that the code emits."""
    names = set()
    for path in ROOT.glob("crates/*/src/**/*.rs"):
        for kind, name in MACRO.findall(path.read_text()):
            names |= {name + suffix for suffix in ("_bucket", "_sum", "_count")} if kind == "histogram" else {name}
    return names


def queries():
    """Every query of rules and dashboard."""
    for path in RULES:
        for group in yaml.safe_load(path.read_text())["groups"]:
            for rule in group["rules"]:
                yield rule["expr"]
    for panel in json.loads((ROOT / "deploy/grafana/octo-sts.json").read_text())["panels"]:
        for target in panel.get("targets", []):
            yield target["expr"]


def alerts():
    groups = yaml.safe_load(RULES[1].read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def variables():
    """The variables that `serve` and `probe` read."""
    text = "".join((ROOT / path).read_text() for path in ["crates/octo-sts-server/src/config/args.rs", "crates/octo-sts-prober/src/args.rs"])
    return set(re.findall(r'env = "([A-Z_]+)"', text)) | {"AUTHORIZATION", "PROBER_TOKEN", "SSL_CERT_FILE", "SSL_CERT_DIR", "RUST_LOG"}


class Names(unittest.TestCase):
    def test_every_query_asks_for_what_is_emitted(self):
        known = emitted()
        self.assertGreater(len(known), 20)
        for query in queries():
            for name in re.findall(r"\bocto_sts_[a-z_]+", query):
                self.assertIn(name, known, query)

    def test_every_recorded_series_exists(self):
        recorded = {rule["record"] for group in yaml.safe_load(RULES[0].read_text())["groups"] for rule in group["rules"]}
        for query in queries():
            for name in re.findall(r"\bocto_sts:[a-z_0-9:]+", query):
                self.assertIn(name, recorded, query)

    def test_every_metric_is_explained(self):
        page = (ROOT / "docs/observability.md").read_text()
        for name in emitted():
            bare = re.sub(r"_(bucket|sum|count)$", "", name)
            self.assertTrue(f"`{bare}`" in page, f"{bare} is not explained in docs/observability.md")

    def test_every_alert_has_its_page_and_a_test(self):
        tests, page = (ROOT / "deploy/prometheus/tests.yaml").read_text(), (ROOT / "docs/observability.md").read_text()
        for rule in alerts():
            name = rule["alert"]
            self.assertEqual(rule["annotations"]["runbook_url"], f"docs/runbooks/{name}.md")
            self.assertTrue((ROOT / f"docs/runbooks/{name}.md").is_file(), name)
            self.assertIn(f"runbooks/{name}.md", page)
            self.assertIn(name, tests)
            self.assertIn(rule["labels"]["severity"], {"critical", "warning"})
        named = {rule["alert"] for rule in alerts()} | {"README"}
        self.assertEqual({path.stem for path in (ROOT / "docs/runbooks").glob("*.md")}, named)

    def test_every_variable_is_one(self):
        known = variables()
        for path in ["deploy/compose.yaml", "deploy/systemd/octo-sts.service", "deploy/systemd/octo-sts-probe.service", "deploy/systemd/octo-sts.env",
                     "deploy/cloud-run/service.yaml", "deploy/terraform/google-cloud-run/main.tf", "deploy/helm/octo-sts/templates/deployment.yaml", "deploy/helm/octo-sts/templates/prober.yaml"]:
            text = (ROOT / path).read_text()
            for name in re.findall(r"\b((?:STS|PROBER|GITHUB|METRICS|OCTOSTS|APP|KMS)_[A-Z_]+)\b", text):
                # The compose file reads these from its own environment.
                if name not in {"APP_KEY_FILE"}:
                    self.assertIn(name, known, path)

    def test_cloud_run_and_compose_are_yaml_without_doubles(self):
        for path in ["deploy/cloud-run/service.yaml", "deploy/compose.yaml"]:
            self.assertIsInstance(yaml.safe_load((ROOT / path).read_text()), dict)


if __name__ == "__main__":
    unittest.main()
