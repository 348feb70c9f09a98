variable "grant_token_creator" {
  description = "Whether the project is from before April 2021."
  type        = bool
  default     = false
  nullable    = false
}

variable "jobs" {
  description = "Scheduled functions by name: the cron line (UTC), and what is posted to."
  type = map(object({
    cron            = string
    path            = string
    timeout_seconds = number
    url             = string
  }))
  default  = {}
  nullable = false
}

variable "labels" {
  description = "Labels of topics and subscriptions."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "project" {
  description = "The Google Cloud project's id and number."
  type = object({
    id     = string
    number = string
  })
  nullable = false
}

variable "region" {
  description = "Where scheduled jobs run."
  type        = string
  nullable    = false
}

variable "subscriptions" {
  description = "Subscribed functions by name: the topic, and what is pushed to."
  type = map(object({
    ack_deadline          = number
    max_delivery_attempts = number
    path                  = string
    topic                 = string
    url                   = string
  }))
  default  = {}
  nullable = false

  validation {
    condition = alltrue([
      for subscription in var.subscriptions :
      contains(var.topics, subscription.topic)
    ])
    error_message = "A function subscribes to a topic that is not in topics."
  }

  validation {
    condition = alltrue([
      for subscription in var.subscriptions :
      subscription.ack_deadline >= 10 && subscription.ack_deadline <= 600
    ])
    error_message = "Pub/Sub waits 10 to 600 seconds for an answer."
  }
}

variable "topics" {
  description = "Names of the topics."
  type        = set(string)
  nullable    = false
}
