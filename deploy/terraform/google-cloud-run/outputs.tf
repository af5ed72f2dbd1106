output "uri" {
  description = "Where Cloud Run serves it; null before the key is imported. Point the domain there."
  value       = one(google_cloud_run_v2_service.octo_sts[*].uri)
}

output "key" {
  description = "The key that the App's private key is imported into."
  value       = google_kms_crypto_key.app.id
}

output "service_account" {
  description = "Who the service is, for rights of yours such as a Firestore database."
  value       = google_service_account.octo_sts.email
}

output "webhook_secret" {
  description = "The secret that wants a version with the webhook's secret; null without a webhook."
  value       = one(google_secret_manager_secret.webhook[*].id)
}
