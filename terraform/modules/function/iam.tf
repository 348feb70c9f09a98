locals {
  member = "serviceAccount:${google_service_account.function.email}"

  # What a manifest's role means, by resource. Nothing is granted on a project.
  bucket_roles = {
    "documents.read"  = { bucket = "documents", role = "roles/storage.objectViewer" }
    "documents.write" = { bucket = "documents", role = "roles/storage.objectUser" }
    "indexes.read"    = { bucket = "indexes", role = "roles/storage.objectViewer" }
    "indexes.write"   = { bucket = "indexes", role = "roles/storage.objectUser" }
  }
  buckets = {
    documents = var.buckets.documents
    indexes   = var.buckets.indexes
  }
  publishes = contains(var.manifest.roles, "topics.publish")
}

resource "google_storage_bucket_iam_member" "objects" {
  for_each = {
    for role in var.manifest.roles :
    role => local.bucket_roles[role] if contains(keys(local.bucket_roles), role)
  }

  bucket = local.buckets[each.value.bucket]
  role   = each.value.role
  member = local.member
}

resource "google_pubsub_topic_iam_member" "publisher" {
  for_each = local.publishes ? var.topics : {}

  project = var.project.id
  topic   = each.value
  role    = "roles/pubsub.publisher"
  member  = local.member
}

resource "google_secret_manager_secret_iam_member" "accessor" {
  for_each = local.secrets

  project   = var.project.id
  secret_id = each.value.id
  role      = "roles/secretmanager.secretAccessor"
  member    = local.member
}

# A second-generation function is a Cloud Run service, and Cloud Run decides
# who may call its address: roles/cloudfunctions.invoker on the function would
# not open it.
resource "google_cloud_run_service_iam_member" "invoker" {
  project  = var.project.id
  location = google_cloudfunctions2_function.function.location
  service  = google_cloudfunctions2_function.function.name
  role     = "roles/run.invoker"
  member   = local.is_platform ? "serviceAccount:${var.push_invoker}" : "allUsers"
}
