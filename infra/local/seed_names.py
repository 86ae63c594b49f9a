"""Names of the demo tenant, apart from what makes it, so that the supervisor need not load the services."""

ORGANIZATION = "demo"
SERVER = "demo"
DOMAIN = "demo.test"
ADMIN = "admin@posthorn.test"
