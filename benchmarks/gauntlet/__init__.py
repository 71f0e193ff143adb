"""Planted causes with a known answer, scored on frozen thresholds beside what other tools say."""
