"""One module a page or a family of pages: its rows of the table, and the views that they name."""
