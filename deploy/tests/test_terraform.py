"""The Terraform module, as far as it can be tested without a cloud."""

import pathlib
import re
import unittest

import hcl2
import yaml

DEPLOY = pathlib.Path(__file__).parents[1]
MODULE = DEPLOY / "terraform" / "google-cloud-run"
TEXT = {path.name: path.read_text() for path in MODULE.glob("*.tf")}


def blocks(kind):
    """The blocks of a kind, by their labels."""
    found = {}
    for text in TEXT.values():
        for block in hcl2.loads(text).get(kind, []):
            labels = []
            while len(block) == 1 and isinstance(next(iter(block.values())), dict):
                label, block = next(iter(block.items()))
                labels.append(label.strip('"'))
            found[".".join(labels)] = block
    return found


def plain(value):
    """A value without the quotes that the reader leaves on."""
    return value.strip('"') if isinstance(value, str) else value


class Module(unittest.TestCase):
    def test_every_file_is_read(self):
        self.assertEqual(set(TEXT), {"main.tf", "variables.tf", "outputs.tf", "versions.tf"})
        self.assertIn("google_cloud_run_v2_service.octo_sts", blocks("resource"))

    def test_every_variable_and_output_is_described_and_used(self):
        variables = blocks("variable")
        self.assertGreater(len(variables), 8)
        for name, variable in {**variables, **blocks("output")}.items():
            self.assertTrue(plain(variable.get("description", "")), name)
        for name in variables:
            self.assertIn(f"var.{name}", TEXT["main.tf"], name)
        for name in re.findall(r"\bvar\.([a-z_]+)", "".join(TEXT.values())):
            self.assertIn(name, variables)

    def test_every_resource_that_is_referred_to_is_there(self):
        resources = blocks("resource")
        for text in TEXT.values():
            for name in re.findall(r"\b(google_[a-z0-9_]+\.[a-z_]+)", text):
                self.assertIn(name, resources)

    def test_it_runs_the_service_as_the_file_for_cloud_run_does(self):
        template = yaml.safe_load((DEPLOY / "cloud-run/service.yaml").read_text())["spec"]["template"]
        wanted, told = template["spec"], template["spec"]["containers"][0]
        made = blocks("resource")["google_cloud_run_v2_service.octo_sts"]["template"][0]
        container = made["containers"][0]
        self.assertEqual(made["max_instance_request_concurrency"], wanted["containerConcurrency"])
        self.assertEqual(plain(made["timeout"]), f"{wanted['timeoutSeconds']}s")
        self.assertEqual([plain(one) for one in container["args"]], told["args"])
        port = container["ports"][0]
        self.assertEqual({"name": plain(port["name"]), "containerPort": port["container_port"]}, told["ports"][0])
        limits = {plain(key): plain(value) for key, value in container["resources"][0]["limits"].items()}
        self.assertEqual(limits, told["resources"]["limits"])
        self.assertIs(container["resources"][0]["cpu_idle"], False)
        for mine, theirs in [("startup_probe", "startupProbe"), ("liveness_probe", "livenessProbe")]:
            probe, other = container[mine][0], told[theirs]
            self.assertEqual(plain(probe["http_get"][0]["path"]), other["httpGet"]["path"])
            self.assertEqual((probe["period_seconds"], probe["timeout_seconds"]), (other["periodSeconds"], other["timeoutSeconds"]))

    def test_a_second_generation_instance_has_the_memory_it_needs(self):
        for text in [(DEPLOY / "cloud-run/service.yaml").read_text(), TEXT["main.tf"]]:
            memory = int(re.search(r'memory\s*[:=]\s*"?(\d+)Mi', text)[1])
            self.assertGreaterEqual(memory, 512)

    def test_the_key_can_only_be_imported_and_is_never_destroyed(self):
        key = blocks("resource")["google_kms_crypto_key.app"]
        self.assertIs(key["import_only"], True)
        self.assertIs(key["lifecycle"][0]["prevent_destroy"], True)
        self.assertEqual(plain(key["version_template"][0]["algorithm"]), "RSA_SIGN_PKCS1_2048_SHA256")
        roles = {plain(block["role"]) for name, block in blocks("resource").items() if "_iam_member." in name}
        self.assertEqual(roles, {"roles/cloudkms.signerVerifier", "roles/secretmanager.secretAccessor"})


if __name__ == "__main__":
    unittest.main()
