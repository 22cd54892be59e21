"""A small trading engine: weights from skfolio, a plan from weights and holdings, fills from Planfill."""
