variable "exports_expire_after_days" {
  description = "Days after which an export is deleted."
  type        = number
  default     = 14
  nullable    = false

  validation {
    condition     = var.exports_expire_after_days >= 1
    error_message = "An export lives for at least one day."
  }
}

variable "labels" {
  description = "Labels of buckets, secrets and Redis."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "location" {
  description = "Location of the buckets: a region, or EU for several."
  type        = string
  nullable    = false
}

variable "packages_kept_days" {
  description = "Days for which a package that was replaced is kept."
  type        = number
  default     = 30
  nullable    = false

  validation {
    condition     = var.packages_kept_days >= 1
    error_message = "Without old packages there is no way back to them."
  }
}

variable "project_id" {
  description = "The Google Cloud project."
  type        = string
  nullable    = false
}

variable "redis" {
  description = "Memorystore and the way to it; null for neither."
  type = object({
    connector_range  = optional(string, "10.8.0.0/28")
    highly_available = optional(bool, false)
    memory_gb        = optional(number, 1)
  })
  default = null

  validation {
    condition = var.redis == null || can(
      regex("/28$", var.redis.connector_range)
    )
    error_message = "A serverless connector takes a range of exactly /28."
  }
}

variable "region" {
  description = "Where Redis runs and secrets are kept."
  type        = string
  nullable    = false
}

variable "secrets" {
  description = "Names of the secrets to make containers for."
  type        = set(string)
  nullable    = false
}
