output "alert_policies" {
  description = "Display names of the alert policies by runbook."
  value = {
    breaker-open = [google_monitoring_alert_policy.breaker_open.display_name]
    dead-letters = [google_monitoring_alert_policy.dead_letters.display_name]
    error-rate   = [google_monitoring_alert_policy.error_rate.display_name]
    index-age    = [google_monitoring_alert_policy.index_age.display_name]
    latency      = [for policy in google_monitoring_alert_policy.latency : policy.display_name]
    quota        = [google_monitoring_alert_policy.quota.display_name]
    uptime       = google_monitoring_alert_policy.uptime[*].display_name
  }
}
