"""Knowledge: documents become an index, and an index answers what is nearest to a question."""
