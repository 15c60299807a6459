"""The study: the paper's claims, checked with this hardware on whole systems; `make study`."""
