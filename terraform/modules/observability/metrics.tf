locals {
  # Every function writes JSON lines to stdout; Cloud Logging keeps them as
  # jsonPayload. The sentences are those of lib/frontdesk, and a test of the
  # repository holds them to it.
  ours = "resource.type=\"cloud_run_revision\" AND jsonPayload.logger=~\"^frontdesk\""

  counters = {
    breaker_opened = {
      description = "A circuit breaker opened: an outside service keeps failing."
      filter      = "jsonPayload.message=\"A circuit breaker opened\""
      labels      = { service = "jsonPayload.service" }
    }
    bugs = {
      description = "Requests that failed on a bug of ours."
      filter      = "jsonPayload.message=\"The request failed on a bug.\""
      labels      = {}
    }
    extractive_answers = {
      description = "Answers made without the language model, though there is one."
      filter = join(" AND ", [
        "jsonPayload.message=\"The question was answered.\"",
        "jsonPayload.shortfall=~\".\"",
      ])
      labels = { reason = "jsonPayload.shortfall" }
    }
    index_published = {
      description = "Indexes that were built and published."
      filter      = "jsonPayload.message=\"An index was published.\""
      labels      = {}
    }
    index_stale = {
      description = "Answers from an older index, for the newest cannot be loaded."
      filter = join(" OR ", [
        "jsonPayload.message=\"A newer index could not be loaded; the last good one serves.\"",
        "jsonPayload.message=\"Storage does not answer; the index on local disk serves.\"",
      ])
      labels = {}
    }
    operations_parked = {
      description = "Operations on agencies that were given up and wait for somebody."
      filter      = "jsonPayload.message=\"An operation is parked\""
      labels      = { kind = "jsonPayload.kind" }
    }
    redis_away = {
      description = "Requests that went on without Redis."
      filter      = "jsonPayload.message=\"Redis does not answer; going on without it\""
      labels      = {}
    }
    requests = {
      description = "Requests by outcome: ok, refused (4xx) or failed (5xx)."
      filter      = "jsonPayload.message=\"Request answered.\""
      labels = {
        error_code = "jsonPayload.error_code"
        outcome    = "jsonPayload.outcome"
      }
    }
  }
}

resource "google_logging_metric" "counter" {
  for_each = local.counters

  project     = var.project_id
  name        = "frontdesk/${each.key}"
  description = each.value.description
  filter      = "${local.ours} AND (${each.value.filter})"
  label_extractors = {
    for name, field in merge({ function = "jsonPayload.function" }, each.value.labels) :
    name => "EXTRACT(${field})"
  }

  metric_descriptor {
    metric_kind = "DELTA"
    unit        = "1"
    value_type  = "INT64"

    dynamic "labels" {
      for_each = merge({ function = "" }, each.value.labels)

      content {
        key        = labels.key
        value_type = "STRING"
      }
    }
  }
}

resource "google_logging_metric" "latency" {
  project         = var.project_id
  name            = "frontdesk/latency"
  description     = "Milliseconds that a function took to answer, by route; health checks left out."
  value_extractor = "EXTRACT(jsonPayload.latency_ms)"
  filter = join(" AND ", [
    local.ours,
    "jsonPayload.message=\"Request answered.\"",
    "NOT jsonPayload.route=~\"^/v1/(health|ready)/\"",
  ])
  label_extractors = {
    function = "EXTRACT(jsonPayload.function)"
    route    = "EXTRACT(jsonPayload.route)"
  }

  metric_descriptor {
    metric_kind = "DELTA"
    unit        = "ms"
    value_type  = "DISTRIBUTION"

    labels {
      key        = "function"
      value_type = "STRING"
    }
    labels {
      key        = "route"
      value_type = "STRING"
    }
  }

  # 1 ms to about 10 minutes, each bucket 1.5 times the one before.
  bucket_options {
    exponential_buckets {
      growth_factor      = 1.5
      num_finite_buckets = 33
      scale              = 1
    }
  }
}

# Cloud Run's own line: all instances are busy and no more may start.
resource "google_logging_metric" "no_instance" {
  project     = var.project_id
  name        = "frontdesk/no_instance"
  description = "Requests that found no free instance, and no room for another."
  filter = join(" AND ", [
    "resource.type=\"cloud_run_revision\"",
    "log_id(\"run.googleapis.com/requests\")",
    "httpRequest.status=(429 OR 500 OR 503)",
    "textPayload=~\"no available instance\"",
  ])
  label_extractors = {
    function = "EXTRACT(resource.labels.service_name)"
  }

  metric_descriptor {
    metric_kind = "DELTA"
    unit        = "1"
    value_type  = "INT64"

    labels {
      key        = "function"
      value_type = "STRING"
    }
  }
}
