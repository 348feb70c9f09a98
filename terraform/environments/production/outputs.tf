output "address" {
  description = "The load balancer's IPv4 address, for the domains' A records."
  value       = module.frontdesk.address
}

output "buckets" {
  description = "Names of the buckets by what they are for."
  value       = module.frontdesk.buckets
}

output "builder" {
  description = "E-mail of the account that Cloud Build deploys as."
  value       = module.frontdesk.builder
}

output "functions" {
  description = "Addresses of the functions by name."
  value       = module.frontdesk.functions
}

output "routes" {
  description = "The load balancer's paths in the order in which they are tried."
  value       = module.frontdesk.routes
}

output "wif_provider" {
  description = "WIF_PROVIDER of the workflow."
  value       = module.frontdesk.wif_provider
}

output "wif_service_account" {
  description = "WIF_SERVICE_ACCOUNT of the workflow."
  value       = module.frontdesk.wif_service_account
}
