"""Frontdesk: helpdesk, CRM and quoting for travel agencies, as Cloud Functions."""
