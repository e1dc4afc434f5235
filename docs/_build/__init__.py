"""What makes the documentation site: pages out of the code, drawings, the check of the code blocks."""
