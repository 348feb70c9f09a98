# Memorystore has private addresses only. A second-generation function reaches
# them through a serverless connector: the provider knows no direct VPC egress
# for it.
resource "google_compute_network" "redis" {
  #checkov:skip=CKV2_GCP_18:Nothing listens in it but Memorystore; without a rule all ingress is denied.
  count = var.redis == null ? 0 : 1

  project                 = var.project_id
  name                    = "frontdesk"
  auto_create_subnetworks = false
  routing_mode            = "REGIONAL"
}

resource "google_vpc_access_connector" "redis" {
  count = var.redis == null ? 0 : 1

  project       = var.project_id
  region        = var.region
  name          = "frontdesk"
  network       = google_compute_network.redis[0].name
  ip_cidr_range = var.redis.connector_range
  machine_type  = "e2-micro"
  min_instances = 2
  max_instances = 3
}
