variable "domains" {
  description = "Names under which the API is reached; the certificate is for them."
  type        = list(string)
  nullable    = false

  validation {
    condition     = length(var.domains) > 0
    error_message = "A certificate needs at least one domain."
  }

  validation {
    condition = alltrue([
      for domain in var.domains : can(regex("^([a-z0-9-]+\\.)+[a-z]{2,}$", domain))
    ])
    error_message = "A managed certificate takes full names, without wildcards."
  }
}

variable "functions" {
  description = "Paths of the public functions' manifests, by function."
  type        = map(set(string))
  nullable    = false

  validation {
    condition     = length(var.functions) > 0
    error_message = "There is nothing to lead to."
  }

  validation {
    condition = alltrue([
      for path in flatten(values(var.functions)) :
      can(regex("^(/([a-z0-9-]+|\\{[a-z_]+\\}))+$", path))
    ])
    error_message = "A path reads /v1/some-thing/{some_id}."
  }

  validation {
    condition = alltrue([
      for path in flatten(values(var.functions)) :
      length(regexall("\\{", path)) <= 5
    ])
    error_message = "A URL map's template has at most five wildcards."
  }

  validation {
    condition = (
      length(flatten([for paths in values(var.functions) : tolist(paths)]))
      == length(distinct([
        for path in flatten([for paths in values(var.functions) : tolist(paths)]) :
        replace(path, "/\\{[a-z_]+\\}/", "*")
      ]))
    )
    error_message = "Two functions have the same path."
  }
}

variable "labels" {
  description = "Labels of the forwarding rules."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "log_sample_rate" {
  description = "Share of requests that the load balancer logs, 0 to 1."
  type        = number
  default     = 1
  nullable    = false
}

variable "preview" {
  description = "Whether preconfigured rules only log what they would refuse."
  type        = bool
  default     = true
  nullable    = false
}

variable "project_id" {
  description = "The Google Cloud project."
  type        = string
  nullable    = false
}

variable "region" {
  description = "Where the functions run."
  type        = string
  nullable    = false
}

variable "requests_per_minute" {
  description = "Requests that one address may send in a minute. A whole office may share one."
  type        = number
  default     = 1200
  nullable    = false

  validation {
    condition     = var.requests_per_minute >= 1
    error_message = "Nobody could get in."
  }
}
