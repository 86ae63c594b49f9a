"""The certificate of SMTP: read from PEM texts, judged, and put where the settings name it."""
