"""Marks and feedback in the formats that learning management systems and spreadsheets import."""
