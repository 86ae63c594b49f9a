"""Messages, limits and configuration in two DynamoDB tables: models declare, a module a noun."""
