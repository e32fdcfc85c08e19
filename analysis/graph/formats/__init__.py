"""A layered graph in the forms of other libraries and in files."""
