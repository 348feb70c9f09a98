resource "google_service_account" "function" {
  project      = var.project.id
  account_id   = "fn-${local.name}"
  display_name = "Function ${local.name}"
  description  = "What ${local.name} runs as."
}
