output "is_platform" {
  description = "Whether Pub/Sub or Scheduler calls it, and nobody else may."
  value       = local.is_platform
}

output "name" {
  description = "The function's name, and its Cloud Run service's."
  value       = google_cloudfunctions2_function.function.name
}

output "service_account" {
  description = "E-mail of the account it runs as."
  value       = google_service_account.function.email
}

output "url" {
  description = "Its address, known before it exists: also the audience of pushes."
  value       = local.url
}
