"""The ports on AWS: S3 for bytes, SQS for wake-ups, DynamoDB for facts, KMS for secrets.

Making an adapter calls nothing: clients come to life with their first call.
"""
