locals {
  # In preview a rule only writes to the log what it would have refused:
  # clients' documents and questions look like attacks now and then.
  previewed = [
    "sqli-v33-stable",
    "xss-v33-stable",
    "lfi-v33-stable",
    "rce-v33-stable",
    "protocolattack-v33-stable",
    "scannerdetection-v33-stable",
  ]
}

resource "google_compute_security_policy" "edge" {
  project     = var.project_id
  name        = "frontdesk"
  description = "Rate limits and preconfigured rules for the public functions."

  advanced_options_config {
    json_parsing = "STANDARD"
  }

  rule {
    action      = "deny(403)"
    priority    = 1000
    description = "Log4j lookups (CVE-2021-44228 and others): nobody sends them by mistake."

    match {
      expr {
        expression = "evaluatePreconfiguredWaf('cve-canary')"
      }
    }
  }

  dynamic "rule" {
    for_each = local.previewed
    iterator = rules

    content {
      action      = "deny(403)"
      priority    = 2000 + rules.key
      description = "Preview: ${rules.value}."
      preview     = var.preview

      match {
        expr {
          expression = "evaluatePreconfiguredWaf('${rules.value}', {'sensitivity': 1})"
        }
      }
    }
  }

  # The functions count per user and agency; this is against floods.
  rule {
    action      = "throttle"
    priority    = 9000
    description = "Requests a minute of one address."

    match {
      versioned_expr = "SRC_IPS_V1"

      config {
        src_ip_ranges = ["*"]
      }
    }

    rate_limit_options {
      conform_action = "allow"
      enforce_on_key = "IP"
      exceed_action  = "deny(429)"

      rate_limit_threshold {
        count        = var.requests_per_minute
        interval_sec = 60
      }
    }
  }

  rule {
    action      = "allow"
    priority    = 2147483647
    description = "Everything else."

    match {
      versioned_expr = "SRC_IPS_V1"

      config {
        src_ip_ranges = ["*"]
      }
    }
  }
}
