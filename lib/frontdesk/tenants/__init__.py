"""Tenants: how an agency comes to be, is suspended and resumed, and who works in it."""
