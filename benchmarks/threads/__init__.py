"""User threads rebuilt as small cases; the answers were written down before the cases were run."""
