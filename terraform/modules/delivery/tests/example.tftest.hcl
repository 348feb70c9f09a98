mock_provider "google" {
  mock_resource "google_service_account" {
    defaults = {
      email = "builder@acme-production.iam.gserviceaccount.com"
      id    = "projects/acme-production/serviceAccounts/builder@acme-production.iam.gserviceaccount.com"
    }
  }
}

variables {
  environment   = "production"
  project_id    = "acme-production"
  push          = { tag = "^v[0-9]+\\.[0-9]+\\.[0-9]+$" }
  region        = "europe-west1"
  repository    = "projects/acme-production/locations/europe-west1/connections/source/repositories/frontdesk"
  roles         = ["roles/cloudfunctions.developer"]
  substitutions = { _ENVIRONMENT = "production" }
}

run "example" {
  command = apply

  assert {
    condition     = google_cloudbuild_trigger.deploy.approval_config[0].approval_required
    error_message = "Nothing gets into production unless somebody agreed."
  }

  assert {
    condition = (
      google_cloudbuild_trigger.deploy.repository_event_config[0].push[0].branch == null
      && google_cloudbuild_trigger.deploy.filename == "cloudbuild.yaml"
    )
    error_message = "Only a release's tag starts it, and the steps are staging's."
  }

  assert {
    condition = keys(google_project_iam_member.builder) == [
      "roles/cloudfunctions.developer", "roles/logging.logWriter"
    ]
    error_message = "The builder may do what it was given, and write logs."
  }
}

run "staging_follows_main_by_itself" {
  command = plan

  variables {
    environment = "staging"
    push        = { branch = "^main$" }
  }

  assert {
    condition     = !google_cloudbuild_trigger.deploy.approval_config[0].approval_required
    error_message = "A push to main reaches staging without a question."
  }
}

run "an_expression_without_a_beginning_is_refused" {
  command = plan

  variables {
    push = { branch = "main" }
  }

  expect_failures = [var.push]
}
