"""Many scenarios at once: points of a sweep, on all cores or a cluster, into one store."""
