"""What an operator does with a state folder: back it up, restore it, check it, look at its condition."""
