"""Tests; what several of them share stands here."""
