"""The drawings of the part on data."""
