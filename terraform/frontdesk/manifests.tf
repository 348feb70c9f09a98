# Every functions/<name>/function.yaml becomes a function: nothing here or in
# an environment names one.
locals {
  manifests = {
    for file in fileset(var.functions_dir, "*/function.yaml") :
    dirname(file) => yamldecode(file("${var.functions_dir}/${file}"))
  }
  misnamed = [
    for folder, manifest in local.manifests : folder if manifest.name != folder
  ]

  subscribed = {
    for name, manifest in local.manifests :
    name => manifest.trigger.pubsub if can(manifest.trigger.pubsub.topic)
  }
  scheduled = {
    for name, manifest in local.manifests :
    name => manifest.trigger.schedule if can(manifest.trigger.schedule.cron)
  }
  public = {
    for name, manifest in local.manifests : name => manifest
    if !contains(keys(local.subscribed), name) &&
    !contains(keys(local.scheduled), name)
  }

  topics = toset([for trigger in local.subscribed : trigger.topic])

  # Besides what functions mount: the pipeline's way into the database, and
  # the address that Memorystore is given.
  secrets = toset(concat(
    flatten([for manifest in local.manifests : manifest.secrets]),
    ["DATABASE_URL", "REDIS_URL"],
  ))
  unknown_secrets = setsubtract(keys(var.secret_versions), local.secrets)
}
