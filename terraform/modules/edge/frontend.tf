resource "google_compute_global_address" "edge" {
  project = var.project_id
  name    = "frontdesk"
}

# A certificate cannot be changed, only replaced, and not while it is in use:
# its name says what it is for.
resource "google_compute_managed_ssl_certificate" "edge" {
  project = var.project_id
  name    = "frontdesk-${substr(sha256(join(",", var.domains)), 0, 8)}"

  managed {
    domains = var.domains
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "google_compute_ssl_policy" "edge" {
  project         = var.project_id
  name            = "frontdesk"
  min_tls_version = "TLS_1_2"
  profile         = "MODERN"
}

resource "google_compute_target_https_proxy" "edge" {
  project          = var.project_id
  name             = "frontdesk"
  ssl_certificates = [google_compute_managed_ssl_certificate.edge.id]
  ssl_policy       = google_compute_ssl_policy.edge.id
  url_map          = google_compute_url_map.https.id
}

resource "google_compute_global_forwarding_rule" "https" {
  project               = var.project_id
  name                  = "frontdesk-https"
  ip_address            = google_compute_global_address.edge.id
  labels                = var.labels
  load_balancing_scheme = "EXTERNAL_MANAGED"
  port_range            = "443"
  target                = google_compute_target_https_proxy.edge.id
}

# Plain HTTP is sent to HTTPS, and nowhere else.
resource "google_compute_url_map" "http" {
  project = var.project_id
  name    = "frontdesk-http"

  default_url_redirect {
    https_redirect         = true
    redirect_response_code = "MOVED_PERMANENTLY_DEFAULT"
    strip_query            = false
  }
}

resource "google_compute_target_http_proxy" "edge" {
  project = var.project_id
  name    = "frontdesk"
  url_map = google_compute_url_map.http.id
}

resource "google_compute_global_forwarding_rule" "http" {
  project               = var.project_id
  name                  = "frontdesk-http"
  ip_address            = google_compute_global_address.edge.id
  labels                = var.labels
  load_balancing_scheme = "EXTERNAL_MANAGED"
  port_range            = "80"
  target                = google_compute_target_http_proxy.edge.id
}
