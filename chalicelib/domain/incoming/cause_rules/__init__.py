"""What refusals and reports say, as data: provider wordings, words of texts, codes, and where each was read."""
