"""What runs Posthorn: set-up of environments, CloudFormation templates and their deployment, and the local stack."""
