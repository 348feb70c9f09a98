variable "behind_load_balancer" {
  description = "Whether the public may come through the load balancer alone."
  type        = bool
  default     = false
  nullable    = false
}

variable "buckets" {
  description = "Names of the buckets of packages, documents and indexes."
  type = object({
    documents = string
    indexes   = string
    source    = string
  })
  nullable = false
}

variable "build_service_account" {
  description = "Account that Cloud Build builds the function's image as: projects/P/serviceAccounts/E."
  type        = string
  nullable    = false

  validation {
    condition     = startswith(var.build_service_account, "projects/")
    error_message = "build_service_account must read projects/P/serviceAccounts/E."
  }
}

variable "environment" {
  description = "Environment variables that every function gets; the manifest's own come on top."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "labels" {
  description = "Labels beside the module's own."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "manifest" {
  description = "The function's function.yaml, decoded."
  type = object({
    format      = number
    name        = string
    description = string
    entry_point = string
    trigger = object({
      routes = list(object({
        methods = list(string)
        path    = string
      }))
      pubsub = optional(object({
        topic                 = string
        path                  = string
        ack_deadline          = number
        max_delivery_attempts = number
      }))
      schedule = optional(object({
        cron = string
        path = string
      }))
    })
    resources = object({
      memory_mb       = number
      cpu             = number
      concurrency     = number
      timeout_seconds = number
      max_instances   = number
      min_instances   = optional(number, 0)
    })
    secrets     = list(string)
    roles       = list(string)
    environment = map(string)
  })
  nullable = false

  validation {
    condition     = var.manifest.format == 1
    error_message = "This module reads function.yaml of format 1 alone."
  }

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,25}[a-z0-9]$", var.manifest.name))
    error_message = "A function's name has 3 to 27 characters, for fn-<name> is its service account."
  }

  validation {
    condition = (
      var.manifest.resources.concurrency == 1 || var.manifest.resources.cpu >= 1
    )
    error_message = "Cloud Run allows several requests at once from one CPU upwards."
  }

  validation {
    condition = alltrue([
      for role in var.manifest.roles : contains([
        "documents.read",
        "documents.write",
        "indexes.read",
        "indexes.write",
        "topics.publish",
      ], role)
    ])
    error_message = "The manifest lists a role that this module cannot grant."
  }
}

variable "optional_secrets" {
  description = "Secrets that a function can do without: mounted only where there is a version."
  type        = set(string)
  default     = ["OPENAI_API_KEY", "REDIS_URL", "SUPABASE_JWT_SECRET"]
  nullable    = false
}

variable "package" {
  description = "Path of the function's zip, as make build leaves it."
  type        = string
  nullable    = false

  validation {
    condition     = fileexists(var.package)
    error_message = "The function has no package yet: run make build first."
  }
}

variable "project" {
  description = "The Google Cloud project's id and number."
  type = object({
    id     = string
    number = string
  })
  nullable = false
}

variable "push_invoker" {
  description = "E-mail of the account that Pub/Sub and Scheduler call platform functions with."
  type        = string
  nullable    = false
}

variable "redis" {
  description = "The connector and certificate (PEM) with which Redis is reached, if there is one."
  type = object({
    ca_certificate = string
    connector      = string
  })
  default = null
}

variable "region" {
  description = "Where the function runs."
  type        = string
  nullable    = false
}

variable "release" {
  description = "Label of the release; a new value redeploys the function even if it did not change."
  type        = string
  default     = null
}

variable "runtime" {
  description = "The functions runtime."
  type        = string
  default     = "python312"
  nullable    = false
}

variable "secrets" {
  description = "Secrets by name: Secret Manager's id and the version to mount. Others are not there."
  type = map(object({
    id      = string
    version = string
  }))
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for secret in var.secrets : secret.version != "latest"])
    error_message = "A secret is mounted by version number: latest would change a running revision."
  }
}

variable "topics" {
  description = "Topics that a function with topics.publish may publish to, by name."
  type        = map(string)
  default     = {}
  nullable    = false
}
