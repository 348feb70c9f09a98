resource "google_pubsub_topic" "topic" {
  #checkov:skip=CKV_GCP_83:Messages hold ids and no personal data; Google's own key encrypts them.
  for_each = var.topics

  project = var.project.id
  name    = each.value
  labels  = var.labels
}

resource "google_pubsub_subscription" "push" {
  for_each = var.subscriptions

  project              = var.project.id
  name                 = "${each.value.topic}-${each.key}"
  topic                = google_pubsub_topic.topic[each.value.topic].id
  labels               = var.labels
  ack_deadline_seconds = each.value.ack_deadline

  # As long as Pub/Sub can: a message is a nudge, and none is worth losing.
  message_retention_duration = "604800s"

  # A subscription that has been idle for a month would be removed otherwise.
  expiration_policy {
    ttl = ""
  }

  push_config {
    push_endpoint = "${each.value.url}${each.value.path}"

    oidc_token {
      audience              = each.value.url
      service_account_email = google_service_account.push_invoker.email
    }
  }

  retry_policy {
    minimum_backoff = "10s"
    maximum_backoff = "600s"
  }

  dead_letter_policy {
    dead_letter_topic     = google_pubsub_topic.dead_letter[each.value.topic].id
    max_delivery_attempts = each.value.max_delivery_attempts
  }
}
