"""Messages, limits and configuration in two DynamoDB tables (design section 5): models declare, a module a noun."""
