locals {
  # One rule for each path of a manifest, so that two functions may share a
  # beginning such as /v1/crm/clients, and none can take another's path.
  paths = merge([
    for function, paths in var.functions : {
      for path in concat(
        tolist(paths),
        ["/v1/health/${function}", "/v1/ready/${function}"],
        ) : path => {
        function = function
        template = strcontains(path, "{")
        # {client_id} is one segment: * in a URL map's template.
        pattern = replace(path, "/\\{[a-z_]+\\}/", "*")
      }
    }
  ]...)

  # The first rule that matches wins. Where two templates could match, the one
  # with the fixed segment comes first, as in the functions' own router: no
  # character of a path sorts behind the tilde.
  by_precedence = {
    for path, route in local.paths :
    replace(path, "/\\{[a-z_]+\\}/", "~") => route
  }
  rules = [
    for position, key in sort(keys(local.by_precedence)) : merge(
      local.by_precedence[key], { priority = position + 1 }
    )
  ]
}

resource "google_compute_url_map" "https" {
  project         = var.project_id
  name            = "frontdesk"
  description     = "The paths of the functions' manifests."
  default_service = google_compute_backend_service.function[local.fallback].id

  host_rule {
    hosts        = var.domains
    path_matcher = "functions"
  }

  path_matcher {
    name = "functions"
    # Any function says 404 in the one shape of our errors.
    default_service = google_compute_backend_service.function[local.fallback].id

    dynamic "route_rules" {
      for_each = local.rules
      iterator = rule

      content {
        priority = rule.value.priority
        service  = google_compute_backend_service.function[rule.value.function].id

        match_rules {
          full_path_match     = rule.value.template ? null : rule.value.pattern
          path_template_match = rule.value.template ? rule.value.pattern : null
        }
      }
    }
  }
}
