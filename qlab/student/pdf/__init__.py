"""The notebook as a PDF: through a browser that is installed, or else through the package fpdf2."""
