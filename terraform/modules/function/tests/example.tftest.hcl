mock_provider "google" {
  mock_resource "google_service_account" {
    defaults = {
      email = "fn-crm-search@acme-staging.iam.gserviceaccount.com"
    }
  }
}

variables {
  build_service_account = "projects/acme-staging/serviceAccounts/function-build@acme-staging.iam.gserviceaccount.com"
  buckets = {
    documents = "acme-staging-frontdesk-documents"
    indexes   = "acme-staging-frontdesk-indexes"
    source    = "acme-staging-frontdesk-source"
  }
  environment  = { ENVIRONMENT = "staging" }
  manifest     = yamldecode(file("../../../functions/crm-search/function.yaml"))
  package      = "../../../dist/crm-search.zip"
  project      = { id = "acme-staging", number = "123456789012" }
  push_invoker = "push-invoker@acme-staging.iam.gserviceaccount.com"
  region       = "europe-west1"
  secrets = {
    CURSOR_SECRET       = { id = "CURSOR_SECRET", version = "1" }
    SUPABASE_ANON_KEY   = { id = "SUPABASE_ANON_KEY", version = "3" }
    SUPABASE_JWT_SECRET = { id = "SUPABASE_JWT_SECRET", version = "1" }
  }
}

run "example" {
  command = plan

  assert {
    condition     = google_cloudfunctions2_function.function.name == "crm-search"
    error_message = "The function has the manifest's name."
  }

  assert {
    condition = (
      google_cloudfunctions2_function.function.service_config[0].environment_variables["THREADS"]
      == tostring(google_cloudfunctions2_function.function.service_config[0].max_instance_request_concurrency)
    )
    error_message = "There are as many threads as requests at once."
  }

  assert {
    condition = google_storage_bucket_object.package.name == format(
      "functions/crm-search-%s.zip", filesha256("../../../dist/crm-search.zip")
    )
    error_message = "The package is named by its content."
  }

  assert {
    condition = [
      for secret in google_cloudfunctions2_function.function.service_config[0].secret_environment_variables :
      "${secret.key}:${secret.version}"
    ] == ["CURSOR_SECRET:1", "SUPABASE_ANON_KEY:3", "SUPABASE_JWT_SECRET:1"]
    error_message = "Secrets are mounted by version, and Redis is not, for it has none."
  }

  assert {
    condition     = google_cloudfunctions2_function.function.service_config[0].vpc_connector == null
    error_message = "Without Redis there is no way into the VPC."
  }

  assert {
    condition     = google_cloud_run_service_iam_member.invoker.member == "allUsers"
    error_message = "A public function authenticates its callers itself."
  }

  assert {
    condition = (
      google_cloudfunctions2_function.function.service_config[0].ingress_settings == "ALLOW_ALL"
    )
    error_message = "Without the load balancer everybody may reach it."
  }

  assert {
    condition     = length(google_storage_bucket_iam_member.objects) == 0
    error_message = "crm-search has nothing to do with buckets."
  }
}

run "redis_and_the_load_balancer_narrow_the_ways_in_and_out" {
  command = plan

  variables {
    behind_load_balancer = true

    redis = { ca_certificate = "PEM", connector = "projects/p/locations/r/connectors/frontdesk" }
    secrets = {
      CURSOR_SECRET       = { id = "CURSOR_SECRET", version = "1" }
      REDIS_URL           = { id = "REDIS_URL", version = "2" }
      SUPABASE_ANON_KEY   = { id = "SUPABASE_ANON_KEY", version = "3" }
      SUPABASE_JWT_SECRET = { id = "SUPABASE_JWT_SECRET", version = "1" }
    }
  }

  assert {
    condition = (
      google_cloudfunctions2_function.function.service_config[0].vpc_connector_egress_settings
      == "PRIVATE_RANGES_ONLY"
    )
    error_message = "Only what is private goes through the VPC."
  }

  assert {
    condition = (
      google_cloudfunctions2_function.function.service_config[0].environment_variables["REDIS_CA_CERTIFICATE"]
      == "PEM"
    )
    error_message = "The function is told whom to trust."
  }

  assert {
    condition = (
      google_cloudfunctions2_function.function.service_config[0].ingress_settings
      == "ALLOW_INTERNAL_AND_GCLB"
    )
    error_message = "The run.app address would go around Cloud Armor."
  }
}

run "a_secret_without_a_version_is_named" {
  command = plan

  variables {
    secrets = {}
  }

  expect_failures = [google_cloudfunctions2_function.function]
}

run "latest_and_a_package_that_is_not_there_are_refused" {
  command = plan

  variables {
    package = "../../../dist/no-such.zip"
    secrets = { CURSOR_SECRET = { id = "CURSOR_SECRET", version = "latest" } }
  }

  expect_failures = [var.package, var.secrets]
}
