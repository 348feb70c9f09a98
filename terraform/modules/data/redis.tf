resource "google_redis_instance" "cache" {
  count = var.redis == null ? 0 : 1

  project                 = var.project_id
  region                  = var.region
  name                    = "frontdesk"
  display_name            = "Cache, versions and rate limits"
  labels                  = var.labels
  memory_size_gb          = var.redis.memory_gb
  redis_version           = "REDIS_7_2"
  tier                    = var.redis.highly_available ? "STANDARD_HA" : "BASIC"
  authorized_network      = google_compute_network.redis[0].id
  auth_enabled            = true
  transit_encryption_mode = "SERVER_AUTHENTICATION"

  # Everything in it can be made again, so the oldest may go.
  redis_configs = {
    maxmemory-policy = "allkeys-lru"
  }
}

# The one secret value that Terraform's state holds, for the state of the
# instance holds its AUTH string anyway. See the README.
resource "google_secret_manager_secret_version" "redis_url" {
  count = var.redis == null ? 0 : 1

  secret = google_secret_manager_secret.container["REDIS_URL"].id
  secret_data = format(
    "rediss://:%s@%s:%d/0",
    google_redis_instance.cache[0].auth_string,
    google_redis_instance.cache[0].host,
    google_redis_instance.cache[0].port,
  )

  # A revision from before a rotation still starts with the old version, and
  # goes on without a cache.
  deletion_policy = "ABANDON"

  lifecycle {
    create_before_destroy = true
  }
}
