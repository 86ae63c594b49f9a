"""What is kept no longer: found and forgotten, each night or when somebody asks for it."""
