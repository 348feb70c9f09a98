module "frontdesk" {
  source = "../../frontdesk"

  cors_origins          = var.cors_origins
  environment           = "staging"
  functions_dir         = "${path.root}/../../../functions"
  latency_ms            = var.latency_ms
  location              = var.location
  notification_channels = var.notification_channels
  notification_emails   = var.notification_emails
  packages_dir          = coalesce(var.packages_dir, "${path.root}/../../../dist")
  project_id            = var.project_id
  redis                 = var.redis
  region                = var.region
  release               = var.release
  runbook_base_url      = var.runbook_base_url
  secret_versions       = var.secret_versions
  settings              = var.settings
  state_bucket          = coalesce(var.state_bucket, "${var.project_id}-frontdesk-state")
  supabase_url          = var.supabase_url

  edge = length(var.domains) == 0 ? null : { domains = var.domains }

  # Whatever lands on main is deployed here.
  source_host = var.repository == null ? null : {
    repository      = var.repository
    refs            = ["refs/heads/main"]
    required_claims = var.required_claims
  }

  delivery = var.connected_repository == null ? null : {
    repository = var.connected_repository
    push       = { branch = "^main$" }
  }
}
