locals {
  service_agent = format(
    "serviceAccount:service-%s@gcp-sa-pubsub.iam.gserviceaccount.com",
    var.project.number,
  )
}

# Pub/Sub itself moves a message to the dead letters: it publishes there and
# acknowledges here. Without both grants messages are delivered for ever.
resource "google_pubsub_topic_iam_member" "dead_letter_publisher" {
  for_each = google_pubsub_topic.dead_letter

  project = var.project.id
  topic   = each.value.name
  role    = "roles/pubsub.publisher"
  member  = local.service_agent
}

resource "google_pubsub_subscription_iam_member" "dead_letter_subscriber" {
  for_each = google_pubsub_subscription.push

  project      = var.project.id
  subscription = each.value.name
  role         = "roles/pubsub.subscriber"
  member       = local.service_agent
}

# The service agents of projects made before April 2021 cannot sign as an
# account by themselves.
resource "google_service_account_iam_member" "token_creator" {
  count = var.grant_token_creator ? 1 : 0

  service_account_id = google_service_account.push_invoker.name
  role               = "roles/iam.serviceAccountTokenCreator"
  member             = local.service_agent
}
