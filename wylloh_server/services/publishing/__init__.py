"""Publishing: titles, uploads, approvals, packaging and registration on chain."""
