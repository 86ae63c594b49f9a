"""`posthorn import postal`: an installation of Postal 3, read from its databases and brought into one of ours."""
