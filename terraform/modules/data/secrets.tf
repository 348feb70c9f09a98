# Containers alone: a value given to Terraform would lie in its state. Versions
# are added with gcloud, and functions are told their numbers.
resource "google_secret_manager_secret" "container" {
  for_each = var.secrets

  project   = var.project_id
  secret_id = each.value
  labels    = var.labels

  # Losing a container loses every version in it.
  deletion_protection = true

  replication {
    user_managed {
      replicas {
        location = var.region
      }
    }
  }
}
