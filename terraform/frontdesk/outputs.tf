output "address" {
  description = "The load balancer's IPv4 address, for the domains' A records; null without one."
  value       = one(module.edge[*].address)
}

output "buckets" {
  description = "Names of the buckets by what they are for."
  value       = module.data.buckets
}

output "builder" {
  description = "E-mail of the account that Cloud Build deploys as; null without a trigger."
  value       = one(module.delivery[*].builder)
}

output "functions" {
  description = "Addresses of the functions by name."
  value       = { for name, function in module.function : name => function.url }

  precondition {
    condition     = length(local.manifests) > 0
    error_message = "There is no function in ${var.functions_dir}."
  }

  precondition {
    condition     = length(local.misnamed) == 0
    error_message = "The name in function.yaml is not its folder's: ${join(", ", local.misnamed)}."
  }

  precondition {
    condition     = length(local.unknown_secrets) == 0
    error_message = "No function mounts what secret_versions names: ${join(", ", local.unknown_secrets)}."
  }
}

output "routes" {
  description = "The load balancer's paths in the order in which they are tried; null without one."
  value       = one(module.edge[*].routes)
}

output "wif_provider" {
  description = "WIF_PROVIDER of the workflow; null without a source host."
  value       = one(module.identity[*].provider)
}

output "wif_service_account" {
  description = "WIF_SERVICE_ACCOUNT of the workflow; null without a source host."
  value       = one(module.identity[*].deployer)
}
