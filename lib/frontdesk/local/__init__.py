"""What a laptop needs instead of a cloud: real Postgres and Redis, fakes that behave for the rest.

Imported by ``frontdesk.cli`` and by tests, never by a function.
"""
