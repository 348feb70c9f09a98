mock_provider "google" {
  mock_resource "google_redis_instance" {
    defaults = {
      auth_string     = "from-memorystore"
      host            = "10.0.0.3"
      port            = 6378
      server_ca_certs = [{ cert = "ONE\n" }, { cert = "TWO\n" }]
    }
  }

  mock_resource "google_secret_manager_secret" {
    defaults = { id = "projects/acme-staging/secrets/REDIS_URL" }
  }
}

variables {
  location   = "europe-west1"
  project_id = "acme-staging"
  redis      = { memory_gb = 1 }
  region     = "europe-west1"
  secrets    = ["OPENAI_API_KEY", "REDIS_URL", "SUPABASE_ANON_KEY"]
}

run "example" {
  command = apply

  assert {
    condition = output.buckets == {
      documents = "acme-staging-frontdesk-documents"
      exports   = "acme-staging-frontdesk-exports"
      indexes   = "acme-staging-frontdesk-indexes"
      source    = "acme-staging-frontdesk-source"
    }
    error_message = "Names are stated, none is made up."
  }

  assert {
    condition = alltrue([
      for bucket in google_storage_bucket.data :
      bucket.soft_delete_policy[0].retention_duration_seconds == 0
      && !bucket.versioning[0].enabled
    ])
    error_message = "What is deleted is gone."
  }

  assert {
    condition = [
      for key, bucket in google_storage_bucket.data : key
      if anytrue([
        for rule in bucket.lifecycle_rule : one(rule.action).type == "Delete"
      ])
    ] == ["exports"]
    error_message = "Exports end by themselves, documents and indexes don't."
  }

  assert {
    condition = (
      google_redis_instance.cache[0].auth_enabled
      && google_redis_instance.cache[0].transit_encryption_mode == "SERVER_AUTHENTICATION"
    )
    error_message = "Redis asks for a password and speaks TLS."
  }

  assert {
    condition = (
      google_secret_manager_secret_version.redis_url[0].secret_data
      == "rediss://:from-memorystore@10.0.0.3:6378/0"
    )
    error_message = "REDIS_URL is made of what Memorystore says."
  }

  assert {
    condition     = output.redis.ca_certificate == "ONE\nTWO"
    error_message = "Both certificates of a rotation are handed on."
  }
}

run "without_redis_there_is_no_network" {
  command = plan

  variables {
    redis = null
  }

  assert {
    condition = (
      length(google_redis_instance.cache)
      + length(google_compute_network.redis)
      + length(google_vpc_access_connector.redis)
      + length(google_secret_manager_secret_version.redis_url)
    ) == 0
    error_message = "Redis is optional, and so is what leads to it."
  }

  assert {
    condition     = output.redis == null && output.redis_url_version == null
    error_message = "Nobody is told of a Redis that is not there."
  }
}
