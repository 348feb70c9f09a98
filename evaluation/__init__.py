"""Scores and calibrates the helpdesk on the demo agencies' labelled questions."""
