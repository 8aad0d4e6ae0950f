"""The sections of the configuration: one class each, made of groups.

A group holds the keys that the same scripts use. A script takes a group as an argument, and its rule reruns only when one of these keys
changes.
"""
