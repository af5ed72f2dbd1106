variable "project" {
  description = "The Google Cloud project."
  type        = string
}

variable "region" {
  description = "The region of the service and of its key, such as europe-west1."
  type        = string
}

variable "name" {
  description = "The name of everything that this module makes."
  type        = string
  default     = "octo-sts"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.name))
    error_message = "Write 6 to 30 lower-case letters, digits and hyphens: the service account is called so, too."
  }
}

variable "domain" {
  description = "The service's public name, without https:// (STS_DOMAIN)."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9][A-Za-z0-9.-]*$", var.domain))
    error_message = "Write a host name such as sts.example.com."
  }
}

variable "app_id" {
  description = "The id of the GitHub App (GITHUB_APP_IDS)."
  type        = number
}

variable "image" {
  description = "The container image, built with FEATURES=gcp. Name it by its digest."
  type        = string
}

variable "key_version" {
  description = "The version of the key that signs. Null until the App's key is imported: the first apply makes the place for it, and no service."
  type        = number
  default     = null
}

variable "key_protection_level" {
  description = "HSM or SOFTWARE."
  type        = string
  default     = "HSM"

  validation {
    condition     = contains(["HSM", "SOFTWARE"], var.key_protection_level)
    error_message = "Write HSM or SOFTWARE."
  }
}

variable "webhook" {
  description = "Whether the service takes GitHub's deliveries. Their secret is a version of the secret NAME-webhook, which you add."
  type        = bool
  default     = false
}

variable "min_instances" {
  description = "How many instances are kept warm. With none, a cold start costs a caller the keys of his issuer and the look-up of the App."
  type        = number
  default     = 1
}

variable "max_instances" {
  description = "The most instances at once."
  type        = number
  default     = 10
}

variable "env" {
  description = "More variables, as docs/configuration.md has them. No secrets: they would be in the state."
  type        = map(string)
  default     = {}

  validation {
    condition     = !contains(keys(var.env), "GITHUB_WEBHOOK_SECRET") && !contains(keys(var.env), "APP_SECRET_CERTIFICATE_ENV_VAR")
    error_message = "A secret in a variable would be in Terraform's state: import the key, and set webhook = true."
  }
}

variable "deletion_protection" {
  description = "Whether Terraform refuses to destroy the service."
  type        = bool
  default     = true
}
