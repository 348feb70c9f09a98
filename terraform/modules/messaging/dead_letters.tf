resource "google_pubsub_topic" "dead_letter" {
  #checkov:skip=CKV_GCP_83:Messages hold ids and no personal data; Google's own key encrypts them.
  for_each = var.topics

  project = var.project.id
  name    = "${each.value}-dead-letter"
  labels  = var.labels
}

# A topic that nobody subscribes to forgets: without this one a dead letter
# would be gone the moment it was written.
resource "google_pubsub_subscription" "dead_letter" {
  for_each = var.topics

  project                    = var.project.id
  name                       = "${each.value}-dead-letter"
  topic                      = google_pubsub_topic.dead_letter[each.value].id
  labels                     = var.labels
  ack_deadline_seconds       = 60
  message_retention_duration = "2678400s"

  expiration_policy {
    ttl = ""
  }
}
