output "buckets" {
  description = "Names of the buckets by what they are for."
  value = merge(
    { for key, bucket in google_storage_bucket.data : key => bucket.name },
    { source = google_storage_bucket.source.name },
  )
}

output "redis" {
  description = "What a function needs beside REDIS_URL; null without Redis."
  value = var.redis == null ? null : {
    # During a rotation there are two certificates; either may sign.
    ca_certificate = join("\n", [
      for certificate in google_redis_instance.cache[0].server_ca_certs :
      trimspace(certificate.cert)
    ])
    connector = google_vpc_access_connector.redis[0].id
  }
}

output "redis_url_version" {
  description = "Number of REDIS_URL's current version; null without Redis."
  value       = one(google_secret_manager_secret_version.redis_url[*].version)
}

output "secrets" {
  description = "Ids of the secret containers by name."
  value = {
    for name, secret in google_secret_manager_secret.container :
    name => secret.secret_id
  }
}
