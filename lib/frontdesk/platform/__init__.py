"""The outside world, one module each: every service Frontdesk talks to is behind one of these."""
