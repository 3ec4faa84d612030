"""scikit-learn programs, unchanged, on fastml."""
