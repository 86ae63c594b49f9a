"""LocalStack plugins that need no Docker: Lambda functions as local processes, DynamoDB at another endpoint."""
