"""What an installation of Postal 3 holds, as ours: rows of its databases in, nouns and messages out."""
