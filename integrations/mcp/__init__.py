"""Programs that offer tools by the Model Context Protocol."""
