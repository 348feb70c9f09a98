variable "connected_repository" {
  description = "Cloud Build's connection to the repository; null for no trigger."
  type        = string
  default     = null
}

variable "cors_origins" {
  description = "Browser origins that may call, each scheme://host[:port]."
  type        = list(string)
  default     = []
  nullable    = false
}

variable "domains" {
  description = "Names of the API. With one the load balancer is made, and is the only door."
  type        = list(string)
  default     = []
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
  description = "Where make build leaves the packages; by default dist."
  type        = string
  default     = null
}

variable "project_id" {
  description = "The Google Cloud project of this environment, and of no other."
  type        = string
  nullable    = false
}

variable "redis" {
  description = "Memorystore; null for none."
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

variable "repository" {
  description = "owner/name whose workflows may deploy; null for none."
  type        = string
  default     = null
}

variable "required_claims" {
  description = "Further claims of such a workflow's token, such as repository_id."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "runbook_base_url" {
  description = "Where docs/runbooks is read; each alert links its page."
  type        = string
  nullable    = false
}

variable "secret_versions" {
  description = "Which version of each secret is mounted, by the secret's name."
  type        = map(string)
  nullable    = false
}

variable "settings" {
  description = "Further environment variables of every function; see docs/settings.md."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "state_bucket" {
  description = "The bucket of this state; by default <project>-frontdesk-state."
  type        = string
  default     = null
}

variable "supabase_url" {
  description = "Address of this environment's Supabase project."
  type        = string
  nullable    = false
}
