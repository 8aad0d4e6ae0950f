"""A first configuration of an assembly."""
