"""What a GPU computes, how fast, and how a training on it ends: `make test-gpu`."""
