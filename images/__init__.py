"""The book's drawings. Each module with a ``draw`` function draws the SVG of its own name.

``python -m images`` draws them all. What is committed is what the code draws: a test compares.
"""
