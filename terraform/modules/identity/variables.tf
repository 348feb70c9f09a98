variable "claim_names" {
  description = "What the host's tokens call the repository and the ref. GitLab: project_path and ref."
  type = object({
    ref        = optional(string, "ref")
    repository = optional(string, "repository")
  })
  default  = {}
  nullable = false
}

variable "issuer" {
  description = "Issuer of the source host's OIDC tokens."
  type        = string
  default     = "https://token.actions.githubusercontent.com"
  nullable    = false

  validation {
    condition     = startswith(var.issuer, "https://")
    error_message = "An issuer is an https address."
  }
}

variable "pool_id" {
  description = "Id of the pool."
  type        = string
  default     = "delivery"
  nullable    = false
}

variable "project_id" {
  description = "The Google Cloud project."
  type        = string
  nullable    = false
}

variable "provider_id" {
  description = "Id of the pool's provider."
  type        = string
  default     = "source-host"
  nullable    = false
}

variable "ref_prefixes" {
  description = "What a ref may begin with, such as refs/tags/v."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition = alltrue([
      for prefix in var.ref_prefixes :
      can(regex("^refs/(heads|tags)/[A-Za-z0-9._/-]+$", prefix))
    ])
    error_message = "A prefix reads refs/heads/... or refs/tags/..., and names something."
  }
}

variable "refs" {
  description = "Refs that may deploy, such as refs/heads/main."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition     = length(var.refs) + length(var.ref_prefixes) > 0
    error_message = "Say which refs may deploy: refs or ref_prefixes."
  }

  validation {
    condition = alltrue([
      for ref in var.refs : can(regex("^[A-Za-z0-9._/-]+$", ref))
    ])
    error_message = "A ref has letters, digits, dots, dashes and slashes."
  }
}

variable "repository" {
  description = "The repository that may deploy: owner/name."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)+$", var.repository))
    error_message = "The repository reads owner/name."
  }
}

variable "required_claims" {
  description = "Further claims and their values, such as environment or repository_id."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition = alltrue([
      for name, value in var.required_claims :
      can(regex("^[a-z_]+$", name)) && can(regex("^[A-Za-z0-9._/:-]+$", value))
    ])
    error_message = "A claim is a plain name with a plain value."
  }
}

variable "roles" {
  description = "What the deployer may do in the project."
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
    error_message = "A deployer may not own the project, make keys, or give itself more rights."
  }
}
