"""The Helm chart, rendered by Helm's own engine and held against the schemas of Kubernetes."""

import pathlib
import unittest

import kubernetes_validate
import yaml
from helm_python import chart

CHART = pathlib.Path(__file__).parents[1] / "helm" / "octo-sts"
BASE = {"domain": "sts.example.com", "app": {"ids": "12345", "keySecret": {"name": "app-key"}}}
EVERYTHING = {
    **BASE,
    "caBundle": {"configMapName": "ca"},
    "githubBaseUrl": "https://ghes.example/api/v3",
    "env": {"STS_ALLOWED_ISSUERS": "https://a.example", "STS_STRICT_AUDIENCE": True, "OCTOSTS_QUOTA_FLOOR_SOFT": 12345678},
    "extraEnv": [{"name": "X", "value": "y"}],
    "envFrom": [{"secretRef": {"name": "more"}}],
    "autoscaling": {"enabled": True},
    "ingress": {"enabled": True, "className": "nginx", "tlsSecretName": "tls"},
    "networkPolicy": {"enabled": True, "metricsFrom": [{"podSelector": {}}], "extraEgress": [{"ports": [{"port": 6379}]}]},
    "metrics": {"serviceMonitor": {"enabled": True}, "prometheusRule": {"enabled": True}},
    "prober": {"enabled": True, "scope": "acme/prober"},
    "podAnnotations": {"a": "b"},
    "podLabels": {"c": "d"},
    "nodeSelector": {"x": "y"},
    "tolerations": [{"key": "k"}],
    "imagePullSecrets": [{"name": "r"}],
    "priorityClassName": "p",
    "image": {"digest": "sha256:" + "0" * 64},
}
FROM_FILE = {"domain": "sts.example.com", "app": {"configFile": {"secretName": "apps"}}, "metrics": {"enabled": False}, "serviceAccount": {"create": False}}
WITH_KMS = {"domain": "sts.example.com", "app": {"ids": 12345678}, "env": {"KMS_KEYS": "alias/x", "KMS_PROVIDER": "aws"}}
# What the Prometheus operator defines, Kubernetes has no schema for.
FOREIGN = {"PrometheusRule", "ServiceMonitor"}


def render(values):
    """The objects by kind and name."""
    with chart.Chart.load(CHART) as loaded:
        texts = [text for name, text in loaded.render(values=values, name="demo").items() if not name.endswith(".txt")]
    objects = [thing for text in texts for thing in yaml.safe_load_all(text) if thing]
    return {f"{thing['kind']}/{thing['metadata']['name']}": thing for thing in objects}


def pods(objects):
    return [thing["spec"]["template"]["spec"] for thing in objects.values() if thing["kind"] == "Deployment"]


def environment(pod):
    return {variable["name"]: variable.get("value") for variable in pod["containers"][0]["env"]}


class Chart(unittest.TestCase):
    def test_what_it_renders_is_what_kubernetes_takes(self):
        for values in [BASE, EVERYTHING, FROM_FILE, WITH_KMS]:
            for name, thing in render(values).items():
                if thing["kind"] not in FOREIGN:
                    with self.subTest(name):
                        kubernetes_validate.validate(thing, "1.32", strict=True)

    def test_everything_is_there_when_it_is_asked_for(self):
        kinds = {name.split("/")[0] for name in render(EVERYTHING)}
        wanted = {"Deployment", "HorizontalPodAutoscaler", "Ingress", "NetworkPolicy", "PodDisruptionBudget", "Service", "ServiceAccount"}
        self.assertEqual(kinds, wanted | FOREIGN)
        self.assertEqual({name.split("/")[0] for name in render(FROM_FILE)}, {"Deployment", "PodDisruptionBudget", "Service"})

    def test_no_pod_may_more_than_it_must(self):
        for pod in pods(render(EVERYTHING)):
            self.assertFalse(pod["automountServiceAccountToken"])
            self.assertTrue(pod["securityContext"]["runAsNonRoot"])
            self.assertEqual(pod["securityContext"]["seccompProfile"]["type"], "RuntimeDefault")
            for container in pod["containers"]:
                security = container["securityContext"]
                self.assertFalse(security["allowPrivilegeEscalation"])
                self.assertTrue(security["readOnlyRootFilesystem"])
                self.assertEqual(security["capabilities"], {"drop": ["ALL"]})
                self.assertIn("memory", container["resources"]["limits"])

    def test_health_is_asked_where_it_is_told(self):
        container = pods(render(BASE))[0]["containers"][0]
        self.assertEqual(container["livenessProbe"]["httpGet"]["path"], "/healthz")
        self.assertEqual(container["readinessProbe"]["httpGet"]["path"], "/readyz")

    def test_metrics_have_a_service_of_their_own(self):
        objects = render(EVERYTHING)
        ports = [port["name"] for port in objects["Service/demo-octo-sts"]["spec"]["ports"]]
        self.assertEqual(ports, ["http"])
        backend = objects["Ingress/demo-octo-sts"]["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"]
        self.assertEqual((backend["name"], backend["port"]["name"]), ("demo-octo-sts", "http"))

    def test_no_key_is_in_a_variable(self):
        pod = pods(render(BASE))[0]
        self.assertEqual(environment(pod)["APP_SECRET_CERTIFICATE_FILE"], "/etc/octo-sts/key/app.pem")
        self.assertNotIn("APP_SECRET_CERTIFICATE_ENV_VAR", environment(pod))

    def test_numbers_stay_numbers(self):
        self.assertEqual(environment(pods(render(WITH_KMS))[0])["GITHUB_APP_IDS"], "12345678")
        variables = environment(next(pod for pod in pods(render(EVERYTHING)) if pod["containers"][0]["name"] == "octo-sts"))
        self.assertEqual((variables["OCTOSTS_QUOTA_FLOOR_SOFT"], variables["STS_STRICT_AUDIENCE"]), ("12345678", "true"))

    def test_the_pods_end_has_time_for_the_drain(self):
        pod = pods(render(BASE))[0]
        self.assertEqual(environment(pod)["STS_DRAIN_TIMEOUT"], "10s")
        self.assertGreaterEqual(pod["terminationGracePeriodSeconds"], 10 + 2 + 10)

    def test_values_that_cannot_be_are_refused(self):
        for name, values in {
            "no domain": {**BASE, "domain": ""},
            "no App": {"domain": "a.example"},
            "no key": {"domain": "a.example", "app": {"ids": "1"}},
            "two places for Apps": {**BASE, "app": {"ids": "1", "configFile": {"secretName": "x"}}},
            "a misspelt name": {**BASE, "replica": 3},
            "plain http": {**BASE, "githubBaseUrl": "http://ghes.example/api/v3"},
            "a prober of nothing": {**BASE, "prober": {"enabled": True}},
        }.items():
            with self.subTest(name), self.assertRaises(Exception):
                render(values)

    def test_lint_finds_nothing_but_the_missing_icon(self):
        found = [message["error"] for message in chart.lint(CHART, values=BASE)["messages"]]
        self.assertEqual(found, ["icon is recommended"])
