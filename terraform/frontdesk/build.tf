# The account that Cloud Build turns a package into an image with. Without one
# of its own a function is built as the project's default account, which may
# do far more, or in newer projects nothing at all.
resource "google_service_account" "function_build" {
  project      = var.project_id
  account_id   = "function-build"
  display_name = "Function build"
  description  = "Builds functions' images from their packages."
}

resource "google_project_iam_member" "function_build" {
  for_each = toset([
    "roles/artifactregistry.writer",
    "roles/logging.logWriter",
  ])

  project = var.project_id
  role    = each.value
  member  = "serviceAccount:${google_service_account.function_build.email}"
}

# Cloud Functions copies a package into a bucket of its own before it builds;
# that bucket alone may be read, and not clients' documents.
resource "google_project_iam_member" "function_build_source" {
  project = var.project_id
  role    = "roles/storage.objectViewer"
  member  = "serviceAccount:${google_service_account.function_build.email}"

  condition {
    title      = "Sources of functions"
    expression = "resource.name.startsWith(\"projects/_/buckets/gcf-v2-\")"
  }
}
