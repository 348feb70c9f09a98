mock_provider "google" {
  mock_data "google_project" {
    defaults = { number = "123456789012" }
  }
}

variables {
  environment      = "staging"
  functions_dir    = "../../functions"
  packages_dir     = "../../dist"
  project_id       = "acme-staging"
  runbook_base_url = "https://git.agency.example/frontdesk/docs/runbooks"
  state_bucket     = "acme-staging-frontdesk-state"
  supabase_url     = "https://abcdefghijklmnopqrst.supabase.co"
  secret_versions = {
    ADMIN_API_TOKENS     = "1"
    CURSOR_SECRET        = "1"
    SUPABASE_ANON_KEY    = "1"
    SUPABASE_JWT_SECRET  = "1"
    SUPABASE_SERVICE_KEY = "1"
  }
}

run "example" {
  command = plan

  assert {
    condition = toset(keys(output.functions)) == toset([
      for file in fileset("../../functions", "*/function.yaml") : dirname(file)
    ])
    error_message = "Every folder with a manifest is a function."
  }

  assert {
    condition = (
      output.functions["crm-search"]
      == "https://crm-search-123456789012.europe-west1.run.app"
    )
    error_message = "An address is known before its function exists."
  }

  assert {
    condition = (
      output.address == null && output.wif_provider == null && output.builder == null
    )
    error_message = "The load balancer and the pipelines are optional."
  }
}

run "a_secret_that_nothing_mounts_is_named" {
  command = plan

  variables {
    secret_versions = {
      ADMIN_API_TOKENS     = "1"
      CURSOR_SECRET        = "1"
      SUPABASE_ANON_KEY    = "1"
      SUPABASE_ANON_KEZ    = "1"
      SUPABASE_JWT_SECRET  = "1"
      SUPABASE_SERVICE_KEY = "1"
    }
  }

  expect_failures = [output.functions]
}

run "a_secret_is_no_setting" {
  command = plan

  variables {
    settings = { OPENAI_API_KEY = "not-here" }
  }

  expect_failures = [var.settings]
}
