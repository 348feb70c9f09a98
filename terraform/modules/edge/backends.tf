locals {
  fallback = sort(keys(var.functions))[0]
}

# A second-generation function is reached by the name of its Cloud Run service.
resource "google_compute_region_network_endpoint_group" "function" {
  for_each = var.functions

  project               = var.project_id
  region                = var.region
  name                  = "fn-${each.key}"
  network_endpoint_type = "SERVERLESS"

  cloud_run {
    service = each.key
  }
}

resource "google_compute_backend_service" "function" {
  for_each = var.functions

  project               = var.project_id
  name                  = "fn-${each.key}"
  load_balancing_scheme = "EXTERNAL_MANAGED"
  security_policy       = google_compute_security_policy.edge.id

  backend {
    group = google_compute_region_network_endpoint_group.function[each.key].id
  }

  log_config {
    enable      = true
    sample_rate = var.log_sample_rate
  }
}
