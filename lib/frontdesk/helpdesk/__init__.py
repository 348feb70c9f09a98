"""The helpdesk: a question becomes a cited answer, or an honest "we don't know"."""
