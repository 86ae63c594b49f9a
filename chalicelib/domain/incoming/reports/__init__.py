"""Mail about our own mail: delivery reports, complaints and automatic replies, read from whatever form they have."""
