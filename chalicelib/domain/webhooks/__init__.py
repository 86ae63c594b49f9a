"""What webhooks get: deliveries with their attempts, when a failed one comes again, the line in which they wait."""
