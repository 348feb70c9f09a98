"""Clients: find them, create them, import them, count them by stage."""
