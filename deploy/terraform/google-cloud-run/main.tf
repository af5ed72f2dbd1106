# The service on Google Cloud Run, signing with a key that never leaves Cloud KMS. README.md says in which order.

locals {
  key = "${google_kms_crypto_key.app.id}/cryptoKeyVersions/${coalesce(var.key_version, 0)}"

  variables = merge(
    {
      # Cloud Run ends an instance ten seconds after SIGTERM: this leaves time to settle.
      STS_DRAIN_TIMEOUT = "5s"
    },
    var.env,
    {
      STS_DOMAIN     = var.domain
      GITHUB_APP_IDS = tostring(var.app_id)
      KMS_PROVIDER   = "gcp"
      KMS_KEYS       = local.key
    },
    # Beside KMS_KEYS this is the secret's name, and the service fetches it.
    var.webhook ? { GITHUB_WEBHOOK_SECRET = google_secret_manager_secret.webhook[0].id } : {},
  )
}

resource "google_service_account" "octo_sts" {
  project      = var.project
  account_id   = var.name
  display_name = "Octo STS"
}

resource "google_kms_key_ring" "octo_sts" {
  project  = var.project
  location = var.region
  name     = var.name
}

# GitHub makes the App's key, so it is imported; nothing can be read out again.
resource "google_kms_crypto_key" "app" {
  key_ring                      = google_kms_key_ring.octo_sts.id
  name                          = "app"
  purpose                       = "ASYMMETRIC_SIGN"
  import_only                   = true
  skip_initial_version_creation = true

  version_template {
    algorithm        = "RSA_SIGN_PKCS1_2048_SHA256"
    protection_level = var.key_protection_level
  }

  lifecycle {
    prevent_destroy = true
  }
}

# The right to sign with this key, and to read its public half.
resource "google_kms_crypto_key_iam_member" "signer" {
  crypto_key_id = google_kms_crypto_key.app.id
  role          = "roles/cloudkms.signerVerifier"
  member        = google_service_account.octo_sts.member
}

resource "google_secret_manager_secret" "webhook" {
  count     = var.webhook ? 1 : 0
  project   = var.project
  secret_id = "${var.name}-webhook"

  replication {
    user_managed {
      replicas {
        location = var.region
      }
    }
  }
}

resource "google_secret_manager_secret_iam_member" "webhook" {
  count     = var.webhook ? 1 : 0
  project   = var.project
  secret_id = google_secret_manager_secret.webhook[0].secret_id
  role      = "roles/secretmanager.secretAccessor"
  member    = google_service_account.octo_sts.member
}

resource "google_cloud_run_v2_service" "octo_sts" {
  count               = var.key_version == null ? 0 : 1
  project             = var.project
  location            = var.region
  name                = var.name
  ingress             = "INGRESS_TRAFFIC_ALL"
  deletion_protection = var.deletion_protection

  # Callers prove themselves with their own OIDC token, not with one of Google's IAM.
  invoker_iam_disabled = true

  template {
    service_account                  = google_service_account.octo_sts.email
    execution_environment            = "EXECUTION_ENVIRONMENT_GEN2"
    timeout                          = "30s"
    max_instance_request_concurrency = 250

    scaling {
      min_instance_count = var.min_instances
      max_instance_count = var.max_instances
    }

    containers {
      name  = "octo-sts"
      image = var.image
      args  = ["serve"]

      # HTTP/1.1 and gRPC share the port; h2c makes Cloud Run speak HTTP/2 to it, which gRPC needs.
      ports {
        name           = "h2c"
        container_port = 8080
      }

      resources {
        limits = {
          cpu    = "1"
          memory = "512Mi"
        }
        # Revocations and audit events are finished after the answer has gone.
        cpu_idle          = false
        startup_cpu_boost = true
      }

      dynamic "env" {
        for_each = local.variables
        content {
          name  = env.key
          value = env.value
        }
      }

      # Ready means that GitHub takes the key: a revision with a wrong one gets no traffic.
      startup_probe {
        period_seconds    = 1
        timeout_seconds   = 1
        failure_threshold = 30
        http_get {
          path = "/readyz"
          port = 8080
        }
      }

      liveness_probe {
        period_seconds  = 10
        timeout_seconds = 3
        http_get {
          path = "/healthz"
          port = 8080
        }
      }
    }
  }

  depends_on = [google_kms_crypto_key_iam_member.signer, google_secret_manager_secret_iam_member.webhook]
}
