"""The SMTP edge of Posthorn: a long-lived process that takes mail in and says 250 only after it is durable."""
