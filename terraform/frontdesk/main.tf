data "google_project" "current" {
  project_id = var.project_id
}

locals {
  project = {
    id     = var.project_id
    number = data.google_project.current.number
  }
  labels = merge(var.labels, { app = "frontdesk", environment = var.environment })

  # A Redis of this project's own comes before an address that was given.
  secret_versions = merge(
    {
      for name, version in var.secret_versions : name => {
        id      = module.data.secrets[name]
        version = version
      } if contains(local.secrets, name)
    },
    var.redis == null ? {} : {
      REDIS_URL = {
        id      = module.data.secrets["REDIS_URL"]
        version = module.data.redis_url_version
      }
    },
  )

  environment = merge(
    {
      CORS_ORIGINS          = join(",", var.cors_origins)
      DOCUMENTS_BUCKET_NAME = module.data.buckets["documents"]
      ENVIRONMENT           = var.environment
      FAISS_BUCKET_NAME     = module.data.buckets["indexes"]
      GCP_PROJECT_ID        = var.project_id
      GCP_REGION            = var.region
      LOG_LEVEL             = var.log_level
      SUPABASE_URL          = var.supabase_url
    },
    # The topic tenant-operations is TENANT_OPERATIONS_TOPIC.
    {
      for topic in local.topics :
      "${upper(replace(topic, "-", "_"))}_TOPIC" => topic
    },
    var.settings,
  )
}

module "data" {
  source = "../modules/data"

  exports_expire_after_days = var.exports_expire_after_days
  labels                    = local.labels
  location                  = coalesce(var.location, var.region)
  project_id                = var.project_id
  redis                     = var.redis
  region                    = var.region
  secrets                   = local.secrets

  depends_on = [google_project_service.api]
}

module "function" {
  source   = "../modules/function"
  for_each = local.manifests

  behind_load_balancer  = var.edge != null
  buckets               = module.data.buckets
  build_service_account = google_service_account.function_build.id
  environment           = { for name, value in local.environment : name => value if value != "" }
  labels                = local.labels
  manifest              = each.value
  package               = "${var.packages_dir}/${each.key}.zip"
  project               = local.project
  push_invoker          = module.messaging.push_invoker
  redis                 = module.data.redis
  region                = var.region
  release               = var.release
  secrets               = local.secret_versions
  topics                = module.messaging.topics

  depends_on = [
    google_project_iam_member.function_build,
    google_project_service.api,
  ]
}

module "messaging" {
  source = "../modules/messaging"

  grant_token_creator = var.grant_token_creator
  labels              = local.labels
  project             = local.project
  region              = var.region
  topics              = local.topics

  subscriptions = {
    for name, trigger in local.subscribed : name => {
      ack_deadline          = trigger.ack_deadline
      max_delivery_attempts = trigger.max_delivery_attempts
      path                  = trigger.path
      topic                 = trigger.topic
      url                   = module.function[name].url
    }
  }
  jobs = {
    for name, trigger in local.scheduled : name => {
      cron            = trigger.cron
      path            = trigger.path
      timeout_seconds = local.manifests[name].resources.timeout_seconds
      url             = module.function[name].url
    }
  }

  depends_on = [google_project_service.api]
}

module "edge" {
  source = "../modules/edge"
  count  = var.edge == null ? 0 : 1

  domains             = var.edge.domains
  labels              = local.labels
  preview             = var.edge.preview
  project_id          = var.project_id
  region              = var.region
  requests_per_minute = var.edge.requests_per_minute

  functions = {
    for name, manifest in local.public :
    name => [for route in manifest.trigger.routes : route.path]
  }

  depends_on = [module.function]
}

module "observability" {
  source = "../modules/observability"

  notification_channels = var.notification_channels
  notification_emails   = var.notification_emails
  project_id            = var.project_id
  runbook_base_url      = var.runbook_base_url
  thresholds            = var.thresholds

  index_subscriptions = toset([
    for name, trigger in local.subscribed :
    "${trigger.topic}-${name}" if trigger.topic == "knowledge"
  ])

  # A fifth of what a request may take is slow, and so are five seconds.
  public_functions = {
    for name, manifest in local.public : name => {
      host = var.edge == null ? trimprefix(module.function[name].url, "https://") : var.edge.domains[0]
      latency_ms = lookup(
        var.latency_ms,
        name,
        min(manifest.resources.timeout_seconds * 200, 5000),
      )
    }
  }

  depends_on = [google_project_service.api]
}
