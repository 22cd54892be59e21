"""Traces: an execution as spans, for those who follow a trading engine through all its parts."""
