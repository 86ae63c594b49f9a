"""Messages as bytes: addresses, header fields, MIME parts, signatures, and what is composed of them."""
