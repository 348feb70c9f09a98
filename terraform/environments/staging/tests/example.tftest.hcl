# terraform test -var-file=terraform.tfvars.example
mock_provider "google" {
  mock_data "google_project" {
    defaults = { number = "123456789012" }
  }
}

run "example" {
  command = plan

  assert {
    condition     = length(output.functions) > 0
    error_message = "The example is enough to plan with."
  }
}
