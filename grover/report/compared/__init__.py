"""The page that compares finished runs, made from what their reports read."""
