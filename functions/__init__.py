"""Handlers of the Lambda functions, one module a trigger family: parse, call one service, map the result."""
