output "builder" {
  description = "E-mail of the account that builds run as."
  value       = google_service_account.builder.email
}

output "trigger" {
  description = "Name of the trigger."
  value       = google_cloudbuild_trigger.deploy.name
}
