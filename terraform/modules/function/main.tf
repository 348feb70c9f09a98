locals {
  name     = var.manifest.name
  url      = "https://${local.name}-${var.project.number}.${var.region}.run.app"
  pubsub   = var.manifest.trigger.pubsub
  schedule = var.manifest.trigger.schedule

  # Pub/Sub and Scheduler alone may call a platform function; a public one
  # authenticates its callers itself.
  is_platform = local.pubsub != null || local.schedule != null
  ingress = (
    local.is_platform ? "ALLOW_INTERNAL_ONLY" :
    var.behind_load_balancer ? "ALLOW_INTERNAL_AND_GCLB" : "ALLOW_ALL"
  )

  # Only what the manifest lists is mounted, and only where there is a version.
  secrets = {
    for name in var.manifest.secrets :
    name => var.secrets[name] if contains(keys(var.secrets), name)
  }
  missing_secrets = [
    for name in var.manifest.secrets : name
    if !contains(keys(var.secrets), name) &&
    !contains(var.optional_secrets, name)
  ]
  uses_redis = var.redis != null && contains(keys(local.secrets), "REDIS_URL")

  environment = merge(
    var.environment,
    {
      # functions-framework starts as many threads as requests may come at
      # once; a second worker would be a second copy of everything in memory.
      THREADS = tostring(var.manifest.resources.concurrency)
      WORKERS = "1"
    },
    local.is_platform ? {
      PUSH_AUDIENCE        = local.url
      PUSH_SERVICE_ACCOUNT = var.push_invoker
    } : {},
    local.uses_redis ? {
      REDIS_CA_CERTIFICATE = var.redis.ca_certificate
    } : {},
    var.manifest.environment,
  )
}

resource "google_cloudfunctions2_function" "function" {
  project     = var.project.id
  location    = var.region
  name        = local.name
  description = var.manifest.description
  labels      = local.labels

  build_config {
    runtime         = var.runtime
    entry_point     = var.manifest.entry_point
    service_account = var.build_service_account

    source {
      storage_source {
        bucket = google_storage_bucket_object.package.bucket
        object = google_storage_bucket_object.package.name
      }
    }
  }

  service_config {
    all_traffic_on_latest_revision   = true
    available_cpu                    = tostring(var.manifest.resources.cpu)
    available_memory                 = "${var.manifest.resources.memory_mb}Mi"
    environment_variables            = local.environment
    ingress_settings                 = local.ingress
    max_instance_count               = var.manifest.resources.max_instances
    max_instance_request_concurrency = var.manifest.resources.concurrency
    min_instance_count               = var.manifest.resources.min_instances
    service_account_email            = google_service_account.function.email
    timeout_seconds                  = var.manifest.resources.timeout_seconds
    vpc_connector                    = local.uses_redis ? var.redis.connector : null
    vpc_connector_egress_settings    = local.uses_redis ? "PRIVATE_RANGES_ONLY" : null

    dynamic "secret_environment_variables" {
      for_each = local.secrets
      iterator = secret

      content {
        key        = secret.key
        project_id = var.project.id
        secret     = secret.value.id
        version    = secret.value.version
      }
    }
  }

  lifecycle {
    precondition {
      condition = length(local.missing_secrets) == 0
      error_message = join(" ", [
        "${local.name} needs a version of",
        "${join(", ", local.missing_secrets)} in secret_versions.",
      ])
    }
  }

  # A revision that may not read its secrets does not start.
  depends_on = [google_secret_manager_secret_iam_member.accessor]
}
