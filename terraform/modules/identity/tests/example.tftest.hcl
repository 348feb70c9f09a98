mock_provider "google" {
  mock_resource "google_iam_workload_identity_pool" {
    defaults = {
      name = "projects/123456789012/locations/global/workloadIdentityPools/delivery"
    }
  }
  mock_resource "google_service_account" {
    defaults = {
      email = "deployer@acme-staging.iam.gserviceaccount.com"
      name  = "projects/acme-staging/serviceAccounts/deployer@acme-staging.iam.gserviceaccount.com"
    }
  }
}

variables {
  project_id      = "acme-staging"
  refs            = ["refs/heads/main"]
  repository      = "acme/frontdesk"
  required_claims = { repository_id = "1234567" }
  roles           = ["roles/cloudfunctions.developer"]
}

run "example" {
  command = apply

  assert {
    condition = (
      google_iam_workload_identity_pool_provider.source_host.attribute_condition == join(" && ", [
        "(assertion.repository == 'acme/frontdesk')",
        "(assertion.ref == 'refs/heads/main')",
        "(assertion.repository_id == '1234567')",
      ])
    )
    error_message = "Only that repository comes in, and only from that ref."
  }

  assert {
    condition = google_service_account_iam_member.workflow.member == join("", [
      "principalSet://iam.googleapis.com/projects/123456789012/locations/global",
      "/workloadIdentityPools/delivery/attribute.repository/acme/frontdesk",
    ])
    error_message = "The account may be taken on by that repository alone."
  }

  assert {
    condition     = keys(google_project_iam_member.deployer) == ["roles/cloudfunctions.developer"]
    error_message = "The deployer has the roles it was given, and no other."
  }
}

run "tags_may_be_named_by_their_beginning" {
  command = plan

  variables {
    refs            = []
    ref_prefixes    = ["refs/tags/v"]
    required_claims = {}
  }

  assert {
    condition = strcontains(
      google_iam_workload_identity_pool_provider.source_host.attribute_condition,
      "(assertion.ref.startsWith('refs/tags/v'))",
    )
    error_message = "A release is any tag that begins with v."
  }
}

run "no_ref_at_all_is_refused" {
  command = plan

  variables {
    refs = []
  }

  expect_failures = [var.refs]
}

run "a_deployer_that_owns_the_project_is_refused" {
  command = plan

  variables {
    repository = "acme/frontdesk' || true || '"
    roles      = ["roles/owner"]
  }

  expect_failures = [var.repository, var.roles]
}
