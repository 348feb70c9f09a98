locals {
  bucket = "${var.project_id}-frontdesk"

  # Where deletion is promised nothing may keep a copy: no versions, and no
  # soft delete, which Cloud Storage would otherwise keep for seven days.
  buckets = {
    documents = { expires_after_days = null }
    exports   = { expires_after_days = var.exports_expire_after_days }
    indexes   = { expires_after_days = null }
  }
}

resource "google_storage_bucket" "data" {
  #checkov:skip=CKV_GCP_62:An access log would keep the names of deleted objects, agencies' among them.
  #checkov:skip=CKV_GCP_78:A version of a deleted object would break the promise that it is gone.
  for_each = local.buckets

  project                     = var.project_id
  name                        = "${local.bucket}-${each.key}"
  location                    = var.location
  labels                      = var.labels
  force_destroy               = false
  public_access_prevention    = "enforced"
  uniform_bucket_level_access = true

  soft_delete_policy {
    retention_duration_seconds = 0
  }

  versioning {
    enabled = false
  }

  # An upload that broke off would lie there, unseen and paid for.
  lifecycle_rule {
    action {
      type = "AbortIncompleteMultipartUpload"
    }
    condition {
      age = 1
    }
  }

  dynamic "lifecycle_rule" {
    for_each = each.value.expires_after_days[*]
    iterator = days

    content {
      action {
        type = "Delete"
      }
      condition {
        age = days.value
      }
    }
  }
}

# Packages hold code and no data. A package that a release replaced becomes a
# noncurrent version, and stays long enough to look at or to go back to.
resource "google_storage_bucket" "source" {
  #checkov:skip=CKV_GCP_62:Only pipelines write here, and Cloud Build's log says when.
  project                     = var.project_id
  name                        = "${local.bucket}-source"
  location                    = var.location
  labels                      = var.labels
  force_destroy               = false
  public_access_prevention    = "enforced"
  uniform_bucket_level_access = true

  versioning {
    enabled = true
  }

  lifecycle_rule {
    action {
      type = "Delete"
    }
    condition {
      days_since_noncurrent_time = var.packages_kept_days
    }
  }
}
