"""Pages of the program in memory, asked for as a browser would, without one."""
