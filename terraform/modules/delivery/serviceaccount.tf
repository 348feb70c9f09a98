resource "google_service_account" "builder" {
  project      = var.project_id
  account_id   = "builder"
  display_name = "Builder"
  description  = "What Cloud Build deploys to ${var.environment} as."
}

resource "google_project_iam_member" "builder" {
  #checkov:skip=CKV_GCP_41:A new function runs as a new account; to grant this on each would take the right to grant it on any.
  #checkov:skip=CKV_GCP_49:The same: whoever deploys a function decides what it runs as.
  for_each = setunion(var.roles, ["roles/logging.logWriter"])

  project = var.project_id
  role    = each.value
  member  = "serviceAccount:${google_service_account.builder.email}"
}
