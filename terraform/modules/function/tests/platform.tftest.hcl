mock_provider "google" {
  mock_resource "google_service_account" {
    defaults = {
      email = "fn-indexer@acme-staging.iam.gserviceaccount.com"
    }
  }
}

variables {
  build_service_account = "projects/acme-staging/serviceAccounts/function-build@acme-staging.iam.gserviceaccount.com"
  behind_load_balancer  = true
  buckets = {
    documents = "acme-staging-frontdesk-documents"
    indexes   = "acme-staging-frontdesk-indexes"
    source    = "acme-staging-frontdesk-source"
  }
  package      = "../../../dist/indexer.zip"
  project      = { id = "acme-staging", number = "123456789012" }
  push_invoker = "push-invoker@acme-staging.iam.gserviceaccount.com"
  region       = "europe-west1"
  manifest = {
    format      = 1
    name        = "indexer"
    description = "Builds and publishes an index."
    entry_point = "indexer"
    extra       = "indexer"
    trigger = {
      routes = [{ path = "/v1/events/indexer", methods = ["POST"] }]
      pubsub = {
        topic                 = "knowledge"
        path                  = "/v1/events/indexer"
        ack_deadline          = 600
        max_delivery_attempts = 10
      }
    }
    resources = {
      memory_mb = 4096, cpu = 2, concurrency = 1, timeout_seconds = 590, max_instances = 5
    }
    secrets     = []
    roles       = ["documents.write", "indexes.read", "topics.publish"]
    environment = { MODE = "fast" }
  }
  topics = { knowledge = "knowledge", tenant-operations = "tenant-operations" }
}

run "only_the_platform_may_call_and_rights_are_on_single_resources" {
  command = apply

  assert {
    condition = (
      google_cloud_run_service_iam_member.invoker.member
      == "serviceAccount:push-invoker@acme-staging.iam.gserviceaccount.com"
    )
    error_message = "Nobody but Pub/Sub and Scheduler may invoke a platform function."
  }

  assert {
    condition = (
      google_cloudfunctions2_function.function.service_config[0].ingress_settings
      == "ALLOW_INTERNAL_ONLY"
    )
    error_message = "The load balancer does not lead to a platform function."
  }

  assert {
    condition = (
      google_cloudfunctions2_function.function.service_config[0].environment_variables["PUSH_AUDIENCE"]
      == output.url
      && output.url == "https://indexer-123456789012.europe-west1.run.app"
    )
    error_message = "The audience is the function's own address."
  }

  assert {
    condition = (
      google_cloudfunctions2_function.function.service_config[0].environment_variables["MODE"] == "fast"
    )
    error_message = "The manifest's environment reaches the function."
  }

  assert {
    condition = {
      for grant in google_storage_bucket_iam_member.objects : grant.bucket => grant.role
      } == {
      "acme-staging-frontdesk-documents" = "roles/storage.objectUser"
      "acme-staging-frontdesk-indexes"   = "roles/storage.objectViewer"
    }
    error_message = "Each role is one grant on one bucket."
  }

  assert {
    condition     = keys(google_pubsub_topic_iam_member.publisher) == ["knowledge", "tenant-operations"]
    error_message = "It may publish to every topic."
  }
}

run "a_name_that_is_too_long_for_an_account_is_refused" {
  command = plan

  variables {
    manifest = {
      format      = 1
      name        = "a-name-that-is-longer-than-27"
      description = "Nothing at all."
      entry_point = "nothing"
      trigger     = { routes = [] }
      resources = {
        memory_mb = 256, cpu = 0.5, concurrency = 2, timeout_seconds = 1, max_instances = 1
      }
      secrets     = []
      roles       = ["everything"]
      environment = {}
    }
  }

  expect_failures = [var.manifest]
}
