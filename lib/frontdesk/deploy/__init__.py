"""Everything between this repository and Google Cloud; no function has it in its package."""
