"""Figures of the part on deep learning."""
