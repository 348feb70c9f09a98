resource "google_monitoring_uptime_check_config" "health" {
  for_each = var.public_functions

  project      = var.project_id
  display_name = "${each.key} is alive"
  period       = var.uptime_period
  timeout      = "10s"

  http_check {
    path           = "/v1/health/${each.key}"
    port           = 443
    request_method = "GET"
    use_ssl        = true
    validate_ssl   = true

    accepted_response_status_codes {
      status_value = 200
    }
  }

  content_matchers {
    content = "\"status\": ?\"ok\""
    matcher = "MATCHES_REGEX"
  }

  monitored_resource {
    type = "uptime_url"
    labels = {
      host       = each.value.host
      project_id = var.project_id
    }
  }
}
