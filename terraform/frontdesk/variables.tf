variable "cors_origins" {
  description = "Browser origins that may call, each scheme://host[:port]."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition = alltrue([
      for origin in var.cors_origins : can(regex("^https?://[^/*@]+$", origin))
    ])
    error_message = "An origin reads scheme://host[:port], without a path or a wildcard."
  }
}

variable "delivery" {
  description = "Cloud Build's trigger: the connected repository and what starts a build; null for none."
  type = object({
    approval_required = optional(bool, false)
    push = object({
      branch = optional(string)
      tag    = optional(string)
    })
    repository    = string
    substitutions = optional(map(string), {})
  })
  default = null
}

variable "edge" {
  description = "The load balancer; null leaves each function at its own address."
  type = object({
    domains             = list(string)
    preview             = optional(bool, true)
    requests_per_minute = optional(number, 1200)
  })
  default = null
}

variable "environment" {
  description = "staging or production; functions are told."
  type        = string
  nullable    = false

  validation {
    condition     = contains(["production", "staging"], var.environment)
    error_message = "The environment is staging or production."
  }
}

variable "exports_expire_after_days" {
  description = "Days after which an export of an agency's data is deleted."
  type        = number
  default     = 14
  nullable    = false
}

variable "functions_dir" {
  description = "The folder of functions' folders."
  type        = string
  nullable    = false
}

variable "grant_token_creator" {
  description = "Whether the project is from before April 2021; see the messaging module."
  type        = bool
  default     = false
  nullable    = false
}

variable "labels" {
  description = "Labels of everything that takes labels."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "latency_ms" {
  description = "95th percentile to alert at, for functions whose default does not fit."
  type        = map(number)
  default     = {}
  nullable    = false
}

variable "location" {
  description = "Location of the buckets; by default the region."
  type        = string
  default     = null
}

variable "log_level" {
  description = "The least severity that functions log."
  type        = string
  default     = "INFO"
  nullable    = false

  validation {
    condition     = contains(["DEBUG", "ERROR", "INFO", "WARNING"], var.log_level)
    error_message = "The log level is DEBUG, INFO, WARNING or ERROR."
  }
}

variable "notification_channels" {
  description = "Ids of notification channels that are there already."
  type        = set(string)
  default     = []
  nullable    = false
}

variable "notification_emails" {
  description = "Addresses that alerts are sent to."
  type        = set(string)
  default     = []
  nullable    = false
}

variable "packages_dir" {
  description = "Where make build leaves the packages."
  type        = string
  nullable    = false
}

variable "project_id" {
  description = "The Google Cloud project. One project is one environment."
  type        = string
  nullable    = false
}

variable "redis" {
  description = "Memorystore; null for none, or for one whose REDIS_URL is in secret_versions."
  type = object({
    connector_range  = optional(string, "10.8.0.0/28")
    highly_available = optional(bool, false)
    memory_gb        = optional(number, 1)
  })
  default = null
}

variable "region" {
  description = "Where everything runs."
  type        = string
  default     = "europe-west1"
  nullable    = false
}

variable "release" {
  description = "Label of the release on each function; a new value redeploys all of them."
  type        = string
  default     = null
}

variable "runbook_base_url" {
  description = "Where docs/runbooks is read; each alert links its page."
  type        = string
  nullable    = false
}

variable "secret_versions" {
  description = "Which version of each secret is mounted, by the secret's name."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition = alltrue([
      for version in var.secret_versions : can(regex("^[1-9][0-9]*$", version))
    ])
    error_message = "A secret's version is a number; latest would change a running revision."
  }
}

variable "settings" {
  description = "Further environment variables of every function, such as EMBEDDER; see docs/settings.md."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition = alltrue([
      for name in keys(var.settings) : !can(regex("(KEY|SECRET|TOKENS?|PASSWORD|REDIS_URL|DATABASE_URL)$", name))
    ])
    error_message = "A secret does not belong into settings: give its version in secret_versions."
  }
}

variable "source_host" {
  description = "Who may deploy from outside Google Cloud, by Workload Identity Federation; null for nobody."
  type = object({
    claim_names = optional(object({
      ref        = optional(string, "ref")
      repository = optional(string, "repository")
    }), {})
    issuer          = optional(string, "https://token.actions.githubusercontent.com")
    ref_prefixes    = optional(set(string), [])
    refs            = optional(set(string), [])
    repository      = string
    required_claims = optional(map(string), {})
  })
  default = null
}

variable "state_bucket" {
  description = "The bucket of Terraform's state, which pipelines read and write."
  type        = string
  nullable    = false
}

variable "supabase_url" {
  description = "Address of the environment's Supabase project."
  type        = string
  nullable    = false

  validation {
    condition     = startswith(var.supabase_url, "https://")
    error_message = "Outside a laptop Supabase is reached by https."
  }
}

variable "thresholds" {
  description = "When the shared alerts speak; see the observability module."
  type = object({
    error_ratio       = optional(number, 0.05)
    index_age_seconds = optional(number, 1800)
  })
  default  = {}
  nullable = false
}
