locals {
  # What a pipeline needs to plan and apply this module again. It may not
  # change its own rights: identities, roles of the project and APIs are read
  # by it, and changed by an owner.
  delivery_roles = toset(concat(
    [
      "roles/cloudbuild.builds.viewer",         # reads the trigger
      "roles/cloudfunctions.developer",         # functions
      "roles/cloudscheduler.admin",             # jobs
      "roles/iam.roleViewer",                   # reads the role below
      "roles/iam.securityReviewer",             # reads who may do what
      "roles/iam.serviceAccountCreator",        # a new function's account
      "roles/iam.serviceAccountDeleter",        # and a removed one's
      "roles/iam.serviceAccountUser",           # functions run as accounts
      "roles/iam.workloadIdentityPoolViewer",   # reads the pool
      "roles/logging.configWriter",             # metrics from logs
      "roles/monitoring.editor",                # alerts and uptime checks
      "roles/pubsub.admin",                     # topics, and who may use them
      "roles/run.admin",                        # who may call, and traffic
      "roles/serviceusage.serviceUsageConsumer" # reads the APIs
    ],
    var.redis == null ? [] : [
      "roles/compute.networkViewer", # reads the network
      "roles/vpcaccess.user",        # connects functions
    ],
    var.edge == null ? [] : [
      "roles/compute.loadBalancerAdmin", # backends and the URL map
      "roles/compute.securityAdmin",     # Cloud Armor and certificates
    ],
  ))

  pipelines = merge(
    var.source_host == null ? {} : {
      deployer = module.identity[0].deployer
    },
    var.delivery == null ? {} : { builder = module.delivery[0].builder },
  )
  has_pipeline = length(local.pipelines) > 0

  # What a pipeline reads itself: the database's address for migrations, and
  # the one secret value that Terraform manages.
  pipeline_secrets = concat(
    ["DATABASE_URL"], var.redis == null ? [] : ["REDIS_URL"]
  )
}

module "identity" {
  source = "../modules/identity"
  count  = var.source_host == null ? 0 : 1

  claim_names     = var.source_host.claim_names
  issuer          = var.source_host.issuer
  project_id      = var.project_id
  ref_prefixes    = var.source_host.ref_prefixes
  refs            = var.source_host.refs
  repository      = var.source_host.repository
  required_claims = var.source_host.required_claims
  roles           = local.delivery_roles

  depends_on = [google_project_service.api]
}

module "delivery" {
  source = "../modules/delivery"
  count  = var.delivery == null ? 0 : 1

  approval_required = var.delivery.approval_required
  environment       = var.environment
  project_id        = var.project_id
  push              = var.delivery.push
  region            = var.region
  repository        = var.delivery.repository
  roles             = local.delivery_roles
  substitutions = merge(
    {
      _DATABASE_URL_VERSION = lookup(var.secret_versions, "DATABASE_URL", "1")
      _ENVIRONMENT          = var.environment
      _REGION               = var.region
    },
    # Where the functions accept nothing else, they are tried through it.
    var.edge == null ? {} : { _BASE_URL = "https://${var.edge.domains[0]}" },
    var.delivery.substitutions,
  )

  depends_on = [google_project_service.api]
}

# Buckets and secrets without what is in them: the predefined roles that may
# grant access would also read every document and every secret. Of Redis it
# reads the AUTH string, which is in the state, and changes nothing.
resource "google_project_iam_custom_role" "delivery" {
  count = local.has_pipeline ? 1 : 0

  project     = var.project_id
  role_id     = "frontdeskDelivery"
  title       = "Frontdesk delivery"
  description = "Buckets, secret containers and who may use them; not what is in them."
  permissions = concat([
    "secretmanager.secrets.create",
    "secretmanager.secrets.get",
    "secretmanager.secrets.getIamPolicy",
    "secretmanager.secrets.list",
    "secretmanager.secrets.setIamPolicy",
    "secretmanager.secrets.update",
    "secretmanager.versions.add",
    "secretmanager.versions.get",
    "secretmanager.versions.list",
    "storage.buckets.create",
    "storage.buckets.get",
    "storage.buckets.getIamPolicy",
    "storage.buckets.list",
    "storage.buckets.setIamPolicy",
    "storage.buckets.update",
    ], var.redis == null ? [] : [
    "redis.instances.get",
    "redis.instances.getAuthString",
    "redis.instances.list",
  ])
}

resource "google_project_iam_member" "delivery" {
  for_each = local.pipelines

  project = var.project_id
  role    = google_project_iam_custom_role.delivery[0].id
  member  = "serviceAccount:${each.value}"
}

resource "google_storage_bucket_iam_member" "packages" {
  for_each = local.pipelines

  bucket = module.data.buckets["source"]
  role   = "roles/storage.objectUser"
  member = "serviceAccount:${each.value}"
}

resource "google_storage_bucket_iam_member" "state" {
  for_each = local.pipelines

  bucket = var.state_bucket
  role   = "roles/storage.objectUser"
  member = "serviceAccount:${each.value}"
}

resource "google_secret_manager_secret_iam_member" "pipeline" {
  for_each = {
    for pair in setproduct(keys(local.pipelines), local.pipeline_secrets) :
    "${pair[0]}/${pair[1]}" => { pipeline = pair[0], secret = pair[1] }
  }

  project   = var.project_id
  secret_id = module.data.secrets[each.value.secret]
  role      = "roles/secretmanager.secretAccessor"
  member    = "serviceAccount:${local.pipelines[each.value.pipeline]}"
}
