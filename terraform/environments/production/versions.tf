terraform {
  required_version = ">= 1.9"

  required_providers {
    google = {
      source  = "hashicorp/google"
      version = "~> 6.50"
    }
  }

  # terraform init -backend-config=bucket=<project>-frontdesk-state
  backend "gcs" {
    prefix = "frontdesk"
  }
}

provider "google" {
  project = var.project_id
  region  = var.region
}
