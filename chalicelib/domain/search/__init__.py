"""The language in which mail is searched for: parsed once, judged by one rule, narrowed by one set of terms."""
