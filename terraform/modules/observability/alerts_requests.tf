# Cloud Run counts requests that our own code never saw, such as those to an
# instance that does not start.
resource "google_monitoring_alert_policy" "error_rate" {
  project               = var.project_id
  display_name          = "frontdesk: error rate"
  combiner              = "OR"
  severity              = "CRITICAL"
  notification_channels = local.channels

  conditions {
    display_name = "More than ${var.thresholds.error_ratio * 100} % of a function's requests fail"

    condition_threshold {
      comparison      = "COMPARISON_GT"
      duration        = "300s"
      threshold_value = var.thresholds.error_ratio
      filter = join(" AND ", [
        "resource.type = \"cloud_run_revision\"",
        "metric.type = \"run.googleapis.com/request_count\"",
        "metric.labels.response_code_class = \"5xx\"",
      ])
      denominator_filter = join(" AND ", [
        "resource.type = \"cloud_run_revision\"",
        "metric.type = \"run.googleapis.com/request_count\"",
      ])

      aggregations {
        alignment_period     = "300s"
        per_series_aligner   = "ALIGN_DELTA"
        cross_series_reducer = "REDUCE_SUM"
        group_by_fields      = ["resource.labels.service_name"]
      }
      denominator_aggregations {
        alignment_period     = "300s"
        per_series_aligner   = "ALIGN_DELTA"
        cross_series_reducer = "REDUCE_SUM"
        group_by_fields      = ["resource.labels.service_name"]
      }
    }
  }

  conditions {
    display_name = "A request failed on a bug"

    condition_threshold {
      comparison      = "COMPARISON_GT"
      duration        = "0s"
      threshold_value = 0
      filter          = local.log_metric["bugs"]

      aggregations {
        alignment_period     = "60s"
        per_series_aligner   = "ALIGN_DELTA"
        cross_series_reducer = "REDUCE_SUM"
        group_by_fields      = ["metric.labels.function"]
      }
    }
  }

  alert_strategy {
    auto_close = "1800s"
  }

  documentation {
    mime_type = "text/markdown"
    content   = "Requests fail. Runbook: ${local.runbooks["error-rate"]}"

    links {
      display_name = "Runbook"
      url          = local.runbooks["error-rate"]
    }
  }
}

# One policy a function, for each has its own time-out; a policy holds at most
# six conditions.
resource "google_monitoring_alert_policy" "latency" {
  for_each = var.public_functions

  project               = var.project_id
  display_name          = "frontdesk: latency of ${each.key}"
  combiner              = "OR"
  severity              = "WARNING"
  notification_channels = local.channels

  conditions {
    display_name = "One request in twenty takes longer than ${each.value.latency_ms} ms"

    condition_threshold {
      comparison      = "COMPARISON_GT"
      duration        = "600s"
      threshold_value = each.value.latency_ms
      filter = join(" AND ", [
        "resource.type = \"cloud_run_revision\"",
        "metric.type = \"logging.googleapis.com/user/${google_logging_metric.latency.name}\"",
        "metric.labels.function = \"${each.key}\"",
      ])

      aggregations {
        alignment_period     = "300s"
        per_series_aligner   = "ALIGN_DELTA"
        cross_series_reducer = "REDUCE_PERCENTILE_95"
        group_by_fields      = ["metric.labels.function"]
      }
    }
  }

  alert_strategy {
    auto_close = "1800s"
  }

  documentation {
    mime_type = "text/markdown"
    content   = "${each.key} answers slowly. Runbook: ${local.runbooks["latency"]}"

    links {
      display_name = "Runbook"
      url          = local.runbooks["latency"]
    }
  }
}

resource "google_monitoring_alert_policy" "uptime" {
  count = length(var.public_functions) == 0 ? 0 : 1

  project               = var.project_id
  display_name          = "frontdesk: a function is not reached"
  combiner              = "OR"
  severity              = "CRITICAL"
  notification_channels = local.channels

  conditions {
    display_name = "Several places cannot reach it"

    condition_threshold {
      comparison      = "COMPARISON_GT"
      duration        = "120s"
      threshold_value = 1
      filter = join(" AND ", [
        "resource.type = \"uptime_url\"",
        "metric.type = \"monitoring.googleapis.com/uptime_check/check_passed\"",
      ])

      aggregations {
        alignment_period     = "1200s"
        per_series_aligner   = "ALIGN_NEXT_OLDER"
        cross_series_reducer = "REDUCE_COUNT_FALSE"
        group_by_fields      = ["metric.labels.check_id"]
      }
    }
  }

  alert_strategy {
    auto_close = "1800s"
  }

  documentation {
    mime_type = "text/markdown"
    content   = "A public function does not answer. Runbook: ${local.runbooks["uptime"]}"

    links {
      display_name = "Runbook"
      url          = local.runbooks["uptime"]
    }
  }
}
