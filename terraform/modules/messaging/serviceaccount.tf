resource "google_service_account" "push_invoker" {
  project      = var.project.id
  account_id   = "push-invoker"
  display_name = "Pub/Sub and Cloud Scheduler"
  description  = "Whom platform functions are called by."
}
