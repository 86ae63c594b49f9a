"""Messages of the DNS, and the records that domains of customers should have."""
