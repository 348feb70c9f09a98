output "deployer" {
  description = "E-mail of the account that deploys: WIF_SERVICE_ACCOUNT."
  value       = google_service_account.deployer.email
}

output "provider" {
  description = "Full name of the provider: WIF_PROVIDER."
  value       = google_iam_workload_identity_pool_provider.source_host.name
}
