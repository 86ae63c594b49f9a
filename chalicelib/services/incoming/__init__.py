"""Incoming mail: taken in from the world, inspected, and handed to where its route points."""
