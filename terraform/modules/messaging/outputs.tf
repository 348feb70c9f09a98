output "dead_letter_subscriptions" {
  description = "Names of the subscriptions that hold dead letters, by topic."
  value = {
    for topic, subscription in google_pubsub_subscription.dead_letter :
    topic => subscription.name
  }
}

output "push_invoker" {
  description = "E-mail of the account that pushes and scheduled calls are signed as."
  value       = google_service_account.push_invoker.email
}

output "subscriptions" {
  description = "Names of the push subscriptions by function."
  value = {
    for function, subscription in google_pubsub_subscription.push :
    function => subscription.name
  }
}

output "topics" {
  description = "Topics by name."
  value = {
    for name, topic in google_pubsub_topic.topic : name => topic.name
  }
}
