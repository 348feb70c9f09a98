resource "google_monitoring_notification_channel" "email" {
  for_each = var.notification_emails

  project      = var.project_id
  display_name = each.value
  type         = "email"

  labels = {
    email_address = each.value
  }
}

locals {
  channels = concat(
    [for channel in google_monitoring_notification_channel.email : channel.id],
    tolist(var.notification_channels),
  )

  # What each alert's page says; the pages are docs/runbooks/<name>.md.
  runbooks = {
    for name in toset([
      "breaker-open",
      "dead-letters",
      "error-rate",
      "index-age",
      "latency",
      "quota",
      "uptime",
    ]) : name => "${trimsuffix(var.runbook_base_url, "/")}/${name}.md"
  }
}
