resource "google_service_account" "deployer" {
  project      = var.project_id
  account_id   = "deployer"
  display_name = "Deployer"
  description  = "What ${var.repository} deploys as. It has no keys."
}

# No key is ever made: a workflow trades its own token for a short-lived one.
resource "google_service_account_iam_member" "workflow" {
  service_account_id = google_service_account.deployer.name
  role               = "roles/iam.workloadIdentityUser"
  member = format(
    "principalSet://iam.googleapis.com/%s/attribute.repository/%s",
    google_iam_workload_identity_pool.delivery.name,
    var.repository,
  )
}

resource "google_project_iam_member" "deployer" {
  #checkov:skip=CKV_GCP_41:A new function runs as a new account; to grant this on each would take the right to grant it on any.
  #checkov:skip=CKV_GCP_49:The same: whoever deploys a function decides what it runs as.
  for_each = var.roles

  project = var.project_id
  role    = each.value
  member  = "serviceAccount:${google_service_account.deployer.email}"
}
