locals {
  approval_required = var.approval_required || var.environment == "production"
}

# The steps are in the repository's cloudbuild.yaml; staging and production
# differ in what starts it and in who has to agree.
resource "google_cloudbuild_trigger" "deploy" {
  project            = var.project_id
  location           = var.region
  name               = "frontdesk-${var.environment}"
  description        = "Checks, tests, builds and deploys to ${var.environment}."
  filename           = "cloudbuild.yaml"
  include_build_logs = "INCLUDE_BUILD_LOGS_WITH_STATUS"
  service_account    = google_service_account.builder.id
  substitutions      = var.substitutions

  repository_event_config {
    repository = var.repository

    push {
      branch = var.push.branch
      tag    = var.push.tag
    }
  }

  # Cloud Build asks before a build begins, not between its steps.
  approval_config {
    approval_required = local.approval_required
  }

  # A build that starts before its account may write logs fails without a word.
  depends_on = [google_project_iam_member.builder]
}
