locals {
  package_sha256 = filesha256(var.package)

  # A label that changed with every release would redeploy every function with
  # every release; the package's hash changes when the function does.
  labels = merge(
    var.labels,
    {
      app          = "frontdesk"
      function     = local.name
      "managed-by" = "terraform"
      package      = substr(local.package_sha256, 0, 12)
    },
    var.release == null ? {} : { release = var.release },
  )
}

# A package that changed under the same name would not be deployed.
resource "google_storage_bucket_object" "package" {
  bucket       = var.buckets.source
  name         = "functions/${local.name}-${local.package_sha256}.zip"
  source       = var.package
  content_type = "application/zip"
}
