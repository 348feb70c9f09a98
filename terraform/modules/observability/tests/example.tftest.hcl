mock_provider "google" {
  mock_resource "google_monitoring_notification_channel" {
    defaults = { id = "projects/acme-staging/notificationChannels/1" }
  }
}

variables {
  index_subscriptions = ["knowledge-indexer"]
  notification_emails = ["operations@agency.example"]
  project_id          = "acme-staging"
  public_functions = {
    crm-search = {
      host       = "crm-search-123456789012.europe-west1.run.app"
      latency_ms = 2000
    }
  }
  runbook_base_url = "https://git.agency.example/frontdesk/docs/runbooks"
}

run "example" {
  command = apply

  assert {
    condition = (
      google_monitoring_uptime_check_config.health["crm-search"].http_check[0].path
      == "/v1/health/crm-search"
    )
    error_message = "Alive is what is asked, not ready: readiness asks everybody else."
  }

  assert {
    condition = alltrue([
      for policy in concat(
        [
          google_monitoring_alert_policy.breaker_open,
          google_monitoring_alert_policy.dead_letters,
          google_monitoring_alert_policy.error_rate,
          google_monitoring_alert_policy.index_age,
          google_monitoring_alert_policy.quota,
        ],
        values(google_monitoring_alert_policy.latency),
        google_monitoring_alert_policy.uptime,
      ) :
      startswith(
        policy.documentation[0].links[0].url,
        "https://git.agency.example/frontdesk/docs/runbooks/",
      ) && policy.notification_channels == tolist(["projects/acme-staging/notificationChannels/1"])
    ])
    error_message = "Each alert reaches somebody, and says what to do."
  }

  assert {
    condition = alltrue([
      for metric in google_logging_metric.counter :
      toset(keys(metric.label_extractors)) == toset([
        for label in metric.metric_descriptor[0].labels : label.key
      ])
    ])
    error_message = "A label that is extracted is declared."
  }

  assert {
    condition     = google_monitoring_alert_policy.latency["crm-search"].conditions[0].condition_threshold[0].threshold_value == 2000
    error_message = "Each function has its own idea of slow."
  }
}
