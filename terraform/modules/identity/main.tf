locals {
  # A provider without a condition would let in every repository of the host.
  # A pull request's ref (refs/pull/...) is none of the refs.
  conditions = concat(
    [
      "assertion.${var.claim_names.repository} == '${var.repository}'",
      join(" || ", concat(
        [
          for ref in var.refs :
          "assertion.${var.claim_names.ref} == '${ref}'"
        ],
        [
          for prefix in var.ref_prefixes :
          "assertion.${var.claim_names.ref}.startsWith('${prefix}')"
        ],
      )),
    ],
    [
      for name, value in var.required_claims :
      "assertion.${name} == '${value}'"
    ],
  )
}

resource "google_iam_workload_identity_pool" "delivery" {
  project                   = var.project_id
  workload_identity_pool_id = var.pool_id
  display_name              = "Delivery"
  description               = "Who may deploy from outside Google Cloud."
}

resource "google_iam_workload_identity_pool_provider" "source_host" {
  project                            = var.project_id
  workload_identity_pool_id          = google_iam_workload_identity_pool.delivery.workload_identity_pool_id
  workload_identity_pool_provider_id = var.provider_id
  display_name                       = "Source host"
  description                        = "Workflows of ${var.repository}."
  attribute_condition                = join(" && ", [for condition in local.conditions : "(${condition})"])

  attribute_mapping = {
    "google.subject"       = "assertion.sub"
    "attribute.ref"        = "assertion.${var.claim_names.ref}"
    "attribute.repository" = "assertion.${var.claim_names.repository}"
  }

  oidc {
    issuer_uri = var.issuer
  }
}
