mock_provider "google" {
  mock_resource "google_service_account" {
    defaults = {
      email = "push-invoker@acme-staging.iam.gserviceaccount.com"
      name  = "projects/acme-staging/serviceAccounts/push-invoker@acme-staging.iam.gserviceaccount.com"
    }
  }
}

variables {
  project = { id = "acme-staging", number = "123456789012" }
  region  = "europe-west1"
  topics  = ["knowledge", "tenant-operations"]
  subscriptions = {
    indexer = {
      ack_deadline          = 600
      max_delivery_attempts = 10
      path                  = "/v1/events/indexer"
      topic                 = "knowledge"
      url                   = "https://indexer-123456789012.europe-west1.run.app"
    }
  }
  jobs = {
    maintenance = {
      cron            = "* * * * *"
      path            = "/v1/events/maintenance"
      timeout_seconds = 55
      url             = "https://maintenance-123456789012.europe-west1.run.app"
    }
  }
}

run "example" {
  command = apply

  assert {
    condition = (
      google_pubsub_subscription.push["indexer"].name == "knowledge-indexer"
      && google_pubsub_subscription.push["indexer"].push_config[0].push_endpoint
      == "https://indexer-123456789012.europe-west1.run.app/v1/events/indexer"
    )
    error_message = "What is published on the topic is pushed to the function's path."
  }

  assert {
    condition = alltrue([
      for token in [
        google_pubsub_subscription.push["indexer"].push_config[0].oidc_token[0],
      ] :
      token.service_account_email == "push-invoker@acme-staging.iam.gserviceaccount.com"
      && token.audience == "https://indexer-123456789012.europe-west1.run.app"
    ])
    error_message = "A push is signed for that function."
  }

  assert {
    condition = (
      keys(google_pubsub_subscription.dead_letter) == ["knowledge", "tenant-operations"]
    )
    error_message = "Every dead-letter topic has a subscription, or dead letters are lost."
  }

  assert {
    condition = alltrue([
      for grant in concat(
        values(google_pubsub_topic_iam_member.dead_letter_publisher),
        values(google_pubsub_subscription_iam_member.dead_letter_subscriber),
      ) :
      grant.member == "serviceAccount:service-123456789012@gcp-sa-pubsub.iam.gserviceaccount.com"
    ])
    error_message = "Pub/Sub's own agent moves messages to the dead letters."
  }

  assert {
    condition = (
      google_cloud_scheduler_job.job["maintenance"].http_target[0].oidc_token[0].audience
      == "https://maintenance-123456789012.europe-west1.run.app"
      && google_cloud_scheduler_job.job["maintenance"].attempt_deadline == "55s"
    )
    error_message = "A scheduled call is signed, and given up when the function gives up."
  }

  assert {
    condition     = length(google_service_account_iam_member.token_creator) == 0
    error_message = "A project of today needs no token creator."
  }
}

run "a_topic_that_is_not_there_is_named" {
  command = plan

  variables {
    topics = ["tenant-operations"]
  }

  expect_failures = [var.subscriptions]
}
