output "address" {
  description = "The IPv4 address that the domains' A records name."
  value       = google_compute_global_address.edge.address
}

output "domain" {
  description = "The first of the domains."
  value       = var.domains[0]
}

output "routes" {
  description = "What each path leads to, in the order in which paths are tried."
  value = [
    for rule in local.rules : {
      function = rule.function
      path     = rule.pattern
    }
  ]
}
