variable "approval_required" {
  description = "Whether somebody has to agree to each build. In production it is always so."
  type        = bool
  default     = false
  nullable    = false
}

variable "environment" {
  description = "What is deployed to."
  type        = string
  nullable    = false

  validation {
    condition     = contains(["production", "staging"], var.environment)
    error_message = "The environment is staging or production."
  }
}

variable "project_id" {
  description = "The Google Cloud project."
  type        = string
  nullable    = false
}

variable "push" {
  description = "What starts a build: a regular expression of branches, or one of tags."
  type = object({
    branch = optional(string)
    tag    = optional(string)
  })
  nullable = false

  validation {
    condition     = (var.push.branch == null) != (var.push.tag == null)
    error_message = "Give a branch or a tag, and not both."
  }

  validation {
    condition = startswith(
      coalesce(var.push.branch, var.push.tag, "-"), "^"
    )
    error_message = "The expression begins with ^, or it would match in the middle of a name."
  }
}

variable "region" {
  description = "Where builds run; the connection to the source host is there too."
  type        = string
  nullable    = false
}

variable "repository" {
  description = "The connected repository: projects/P/locations/R/connections/C/repositories/N."
  type        = string
  nullable    = false

  validation {
    condition = can(regex(
      "^projects/[^/]+/locations/[^/]+/connections/[^/]+/repositories/[^/]+$",
      var.repository,
    ))
    error_message = "The repository reads projects/P/locations/R/connections/C/repositories/N."
  }
}

variable "roles" {
  description = "What the builder may do in the project, beside writing logs."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition = length(setintersection(var.roles, [
      "roles/editor",
      "roles/iam.serviceAccountKeyAdmin",
      "roles/iam.serviceAccountTokenCreator",
      "roles/owner",
      "roles/resourcemanager.projectIamAdmin",
    ])) == 0
    error_message = "A builder may not own the project, make keys, or give itself more rights."
  }
}

variable "substitutions" {
  description = "Values for cloudbuild.yaml."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition = alltrue([
      for name in keys(var.substitutions) : startswith(name, "_")
    ])
    error_message = "The name of a substitution begins with an underscore."
  }
}
