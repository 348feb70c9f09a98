mock_provider "google" {}

variables {
  domains = ["api.agency.example"]
  functions = {
    crm-clients  = ["/v1/crm/clients", "/v1/crm/clients/{client_id}"]
    crm-pipeline = ["/v1/crm/clients/pipeline", "/v1/crm/clients/{client_id}/stage"]
  }
  project_id = "acme-staging"
  region     = "europe-west1"
}

run "example" {
  command = plan

  assert {
    condition = [
      for rule in google_compute_url_map.https.path_matcher[0].route_rules : coalesce(
        rule.match_rules[0].full_path_match, rule.match_rules[0].path_template_match
      )
      ] == [
      "/v1/crm/clients",
      "/v1/crm/clients/pipeline",
      "/v1/crm/clients/*",
      "/v1/crm/clients/*/stage",
      "/v1/health/crm-clients",
      "/v1/health/crm-pipeline",
      "/v1/ready/crm-clients",
      "/v1/ready/crm-pipeline",
    ]
    error_message = "Fixed segments come before wildcards; every path has its own rule."
  }

  assert {
    condition = tolist([
      for rule in google_compute_url_map.https.path_matcher[0].route_rules : rule.priority
    ]) == range(1, 9)
    error_message = "The order of the rules is their priority."
  }

  assert {
    condition = alltrue([
      for backend in google_compute_backend_service.function :
      backend.load_balancing_scheme == "EXTERNAL_MANAGED"
    ])
    error_message = "Only this kind of load balancer knows path templates."
  }

  assert {
    condition     = google_compute_url_map.http.default_url_redirect[0].https_redirect
    error_message = "Nobody is served in the clear."
  }

  assert {
    condition = toset([
      for rule in google_compute_security_policy.edge.rule : rule.priority
      if rule.preview == true
    ]) == toset(range(2000, 2006))
    error_message = "Preconfigured rules are watched before they refuse anything."
  }
}

run "one_path_has_one_function" {
  command = plan

  variables {
    functions = {
      crm-clients = ["/v1/crm/clients/{client_id}"]
      crm-other   = ["/v1/crm/clients/{id}"]
    }
  }

  expect_failures = [var.functions]
}

run "a_wildcard_has_no_managed_certificate" {
  command = plan

  variables {
    domains = ["*.agency.example"]
  }

  expect_failures = [var.domains]
}

run "each_path_leads_to_its_function" {
  command = apply

  override_resource {
    target = google_compute_backend_service.function["crm-clients"]
    values = { id = "clients" }
  }

  override_resource {
    target = google_compute_backend_service.function["crm-pipeline"]
    values = { id = "pipeline" }
  }

  assert {
    condition = {
      for rule in google_compute_url_map.https.path_matcher[0].route_rules :
      coalesce(rule.match_rules[0].full_path_match, rule.match_rules[0].path_template_match) => rule.service
      } == {
      "/v1/crm/clients"          = "clients"
      "/v1/crm/clients/*"        = "clients"
      "/v1/crm/clients/*/stage"  = "pipeline"
      "/v1/crm/clients/pipeline" = "pipeline"
      "/v1/health/crm-clients"   = "clients"
      "/v1/health/crm-pipeline"  = "pipeline"
      "/v1/ready/crm-clients"    = "clients"
      "/v1/ready/crm-pipeline"   = "pipeline"
    }
    error_message = "Two functions share a beginning, and neither has the other's paths."
  }
}
