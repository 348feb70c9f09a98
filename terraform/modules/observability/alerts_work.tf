locals {
  log_metric = {
    for key, metric in google_logging_metric.counter : key => join(" AND ", [
      "resource.type = \"cloud_run_revision\"",
      "metric.type = \"logging.googleapis.com/user/${metric.name}\"",
    ])
  }
}

resource "google_monitoring_alert_policy" "breaker_open" {
  project               = var.project_id
  display_name          = "frontdesk: a circuit breaker is open"
  combiner              = "OR"
  severity              = "WARNING"
  notification_channels = local.channels

  conditions {
    display_name = "An outside service keeps failing"

    condition_threshold {
      comparison      = "COMPARISON_GT"
      duration        = "0s"
      threshold_value = 0
      filter          = local.log_metric["breaker_opened"]

      aggregations {
        alignment_period     = "300s"
        per_series_aligner   = "ALIGN_DELTA"
        cross_series_reducer = "REDUCE_SUM"
        group_by_fields      = ["metric.labels.function", "metric.labels.service"]
      }
    }
  }

  conditions {
    display_name = "Redis is away"

    condition_threshold {
      comparison      = "COMPARISON_GT"
      duration        = "300s"
      threshold_value = 0
      filter          = local.log_metric["redis_away"]

      aggregations {
        alignment_period     = "300s"
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
    content   = "An outside service keeps failing. Runbook: ${local.runbooks["breaker-open"]}"

    links {
      display_name = "Runbook"
      url          = local.runbooks["breaker-open"]
    }
  }
}

resource "google_monitoring_alert_policy" "dead_letters" {
  project               = var.project_id
  display_name          = "frontdesk: dead letters"
  combiner              = "OR"
  severity              = "CRITICAL"
  notification_channels = local.channels

  conditions {
    display_name = "A message was given up"

    condition_threshold {
      comparison      = "COMPARISON_GT"
      duration        = "0s"
      threshold_value = 0
      filter = join(" AND ", [
        "resource.type = \"pubsub_subscription\"",
        "metric.type = \"pubsub.googleapis.com/subscription/num_undelivered_messages\"",
        "resource.labels.subscription_id = monitoring.regex.full_match(\".*-dead-letter\")",
      ])

      aggregations {
        alignment_period     = "60s"
        per_series_aligner   = "ALIGN_MAX"
        cross_series_reducer = "REDUCE_MAX"
        group_by_fields      = ["resource.labels.subscription_id"]
      }
    }
  }

  conditions {
    display_name = "An operation on an agency was given up"

    condition_threshold {
      comparison      = "COMPARISON_GT"
      duration        = "0s"
      threshold_value = 0
      filter          = local.log_metric["operations_parked"]

      aggregations {
        alignment_period     = "60s"
        per_series_aligner   = "ALIGN_DELTA"
        cross_series_reducer = "REDUCE_SUM"
        group_by_fields      = ["metric.labels.kind"]
      }
    }
  }

  alert_strategy {
    auto_close = "86400s"
  }

  documentation {
    mime_type = "text/markdown"
    content   = "Work was given up and waits. Runbook: ${local.runbooks["dead-letters"]}"

    links {
      display_name = "Runbook"
      url          = local.runbooks["dead-letters"]
    }
  }
}

# An index is as old as the change that waits longest to get into it.
resource "google_monitoring_alert_policy" "index_age" {
  project               = var.project_id
  display_name          = "frontdesk: an index is out of date"
  combiner              = "OR"
  severity              = "WARNING"
  notification_channels = local.channels

  dynamic "conditions" {
    for_each = var.index_subscriptions
    iterator = subscription

    content {
      display_name = "A change waits in ${subscription.value} for over ${var.thresholds.index_age_seconds} s"

      condition_threshold {
        comparison      = "COMPARISON_GT"
        duration        = "60s"
        threshold_value = var.thresholds.index_age_seconds
        filter = join(" AND ", [
          "resource.type = \"pubsub_subscription\"",
          "metric.type = \"pubsub.googleapis.com/subscription/oldest_unacked_message_age\"",
          "resource.labels.subscription_id = \"${subscription.value}\"",
        ])

        aggregations {
          alignment_period   = "60s"
          per_series_aligner = "ALIGN_MAX"
        }
      }
    }
  }

  conditions {
    display_name = "The newest index cannot be loaded"

    condition_threshold {
      comparison      = "COMPARISON_GT"
      duration        = "600s"
      threshold_value = 0
      filter          = local.log_metric["index_stale"]

      aggregations {
        alignment_period     = "300s"
        per_series_aligner   = "ALIGN_DELTA"
        cross_series_reducer = "REDUCE_SUM"
        group_by_fields      = ["metric.labels.function"]
      }
    }
  }

  alert_strategy {
    auto_close = "3600s"
  }

  documentation {
    mime_type = "text/markdown"
    content   = "The helpdesk answers from an old index. Runbook: ${local.runbooks["index-age"]}"

    links {
      display_name = "Runbook"
      url          = local.runbooks["index-age"]
    }
  }
}

resource "google_monitoring_alert_policy" "quota" {
  project               = var.project_id
  display_name          = "frontdesk: a quota is used up"
  combiner              = "OR"
  severity              = "WARNING"
  notification_channels = local.channels

  conditions {
    display_name = "Google Cloud refuses for a quota"

    condition_threshold {
      comparison      = "COMPARISON_GT"
      duration        = "0s"
      threshold_value = 0
      filter = join(" AND ", [
        "resource.type = \"consumer_quota\"",
        "metric.type = \"serviceruntime.googleapis.com/quota/exceeded\"",
      ])

      aggregations {
        alignment_period     = "300s"
        per_series_aligner   = "ALIGN_COUNT_TRUE"
        cross_series_reducer = "REDUCE_SUM"
        group_by_fields      = ["metric.labels.quota_metric"]
      }
    }
  }

  conditions {
    display_name = "A function has reached its most instances"

    condition_threshold {
      comparison      = "COMPARISON_GT"
      duration        = "0s"
      threshold_value = 0
      filter = join(" AND ", [
        "resource.type = \"cloud_run_revision\"",
        "metric.type = \"logging.googleapis.com/user/${google_logging_metric.no_instance.name}\"",
      ])

      aggregations {
        alignment_period     = "60s"
        per_series_aligner   = "ALIGN_DELTA"
        cross_series_reducer = "REDUCE_SUM"
        group_by_fields      = ["metric.labels.function"]
      }
    }
  }

  conditions {
    display_name = "The language model's account is used up, or it says: slower"

    condition_threshold {
      comparison      = "COMPARISON_GT"
      duration        = "0s"
      threshold_value = 0
      filter = join(" AND ", [
        local.log_metric["extractive_answers"],
        "metric.labels.reason = monitoring.regex.full_match(\"quota|rate_limited\")",
      ])

      aggregations {
        alignment_period     = "300s"
        per_series_aligner   = "ALIGN_DELTA"
        cross_series_reducer = "REDUCE_SUM"
        group_by_fields      = ["metric.labels.reason"]
      }
    }
  }

  alert_strategy {
    auto_close = "3600s"
  }

  documentation {
    mime_type = "text/markdown"
    content   = "A limit is reached. Runbook: ${local.runbooks["quota"]}"

    links {
      display_name = "Runbook"
      url          = local.runbooks["quota"]
    }
  }
}
