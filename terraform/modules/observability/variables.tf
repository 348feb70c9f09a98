variable "index_subscriptions" {
  description = "Push subscriptions whose messages wait for an index to be built."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition     = length(var.index_subscriptions) <= 5
    error_message = "An alert policy holds at most six conditions."
  }
}

variable "notification_channels" {
  description = "Ids of notification channels that are there already, such as a pager's."
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

variable "project_id" {
  description = "The Google Cloud project."
  type        = string
  nullable    = false
}

variable "public_functions" {
  description = "Functions that are reached from outside: the host, and the 95th percentile of latency to alert at."
  type = map(object({
    host       = string
    latency_ms = number
  }))
  default  = {}
  nullable = false
}

variable "runbook_base_url" {
  description = "Where docs/runbooks is read; each alert links its page."
  type        = string
  nullable    = false

  validation {
    condition     = startswith(var.runbook_base_url, "https://")
    error_message = "runbook_base_url is an https address."
  }
}

variable "thresholds" {
  description = "When the shared alerts speak."
  type = object({
    error_ratio       = optional(number, 0.05)
    index_age_seconds = optional(number, 1800)
  })
  default  = {}
  nullable = false
}

variable "uptime_period" {
  description = "How often a function is called: each check keeps an instance awake for a while."
  type        = string
  default     = "300s"
  nullable    = false

  validation {
    condition     = contains(["60s", "300s", "600s", "900s"], var.uptime_period)
    error_message = "Cloud Monitoring checks every 60s, 300s, 600s or 900s."
  }
}
