"""The demo lake: a small wealth manager with two custodians, a CRM and a master data vendor."""
