resource "google_cloud_scheduler_job" "job" {
  for_each = var.jobs

  project     = var.project.id
  region      = var.region
  name        = each.key
  description = "Calls ${each.key} at ${each.value.cron} (UTC)."
  schedule    = each.value.cron
  time_zone   = "Etc/UTC"

  # Cloud Scheduler takes 15 seconds to 30 minutes.
  attempt_deadline = format(
    "%ds", min(max(each.value.timeout_seconds, 15), 1800)
  )

  http_target {
    http_method = "POST"
    uri         = "${each.value.url}${each.value.path}"

    oidc_token {
      audience              = each.value.url
      service_account_email = google_service_account.push_invoker.email
    }
  }

  # The next run does what this one left.
  retry_config {
    retry_count = 0
  }
}
