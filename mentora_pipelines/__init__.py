"""The product without its orchestrator: rules, adapters, schema, command line."""
